#include "ncf/train/epoch_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "ncf/data/permutation.hpp"

namespace ncf {
namespace {

/// Rank r of P holds a part of [0, total), uneven on purpose: the last rank has everything when `lopsided`.
Samples samples_of(const Communicator& comm, int64_t total, bool lopsided) {
  const auto bound = [&](int64_t r) {
    return lopsided ? (r == comm.size() ? total : 0) : total * r / comm.size();
  };
  Samples out;
  out.total = total;
  out.first = bound(comm.rank());
  for (int64_t i = out.first; i < bound(comm.rank() + 1); ++i)
    out.rows.push_back({static_cast<int32_t>(i), static_cast<int32_t>(i % 7), static_cast<float>(i)});
  return out;
}

class EpochSamplesTest : public testing::TestWithParam<std::tuple<int64_t, int64_t, bool, bool, bool>> {};

TEST_P(EpochSamplesTest, EveryRankGetsItsPartOfTheGlobalOrder) {
  auto [total, batch_size, drop_last, lopsided, fixed] = GetParam();
  Communicator comm = Communicator::world();
  if (fixed && 8 % comm.size() != 0) GTEST_SKIP() << comm.size() << " ranks do not share 8 granules";
  const Samples train = samples_of(comm, total, lopsided);
  const EpochShape shape{total, batch_size, drop_last};
  const Granules granules = fixed ? Granules::fixed(8, comm.size()) : Granules::of_each_rank(comm.size());
  for (const auto& [e, window] : {std::pair<int64_t, int64_t>{0, 1 << 17}, {1, 40}}) {
    EpochSamples epoch(shape, granules, 5, EpochSamples::Order::global, window);
    epoch.begin(comm, train, e);
    const Permutation order(static_cast<uint64_t>(total), 5, Purpose::epoch_order, static_cast<uint64_t>(e));
    for (int64_t s = 0; s < shape.steps(); ++s) {
      const auto part = epoch.part(comm, train, s);
      EXPECT_EQ(part.global_rows, shape.batch(s));
      ASSERT_EQ(std::ssize(part.bounds), granules.a_rank() + 1);
      EXPECT_EQ(part.bounds.front(), 0);
      EXPECT_EQ(part.bounds.back(), std::ssize(part.users));
      EXPECT_EQ(comm.sum(static_cast<int64_t>(part.users.size())), shape.batch(s));
      for (std::size_t k = 0; k < part.users.size(); ++k) {
        const auto position = static_cast<uint64_t>(part.first_position) + k;
        ASSERT_EQ(static_cast<uint64_t>(part.users[k]), order.inverse(position));
        ASSERT_EQ(part.items[k], part.users[k] % 7);
        ASSERT_EQ(part.ratings[k], static_cast<float>(part.users[k]));
      }
    }
  }
}

/// As after a resume in the middle of an epoch, and for the next epoch with the same object.
TEST(EpochSamples, AnyStepOfAnyEpochCanBeAskedFor) {
  Communicator comm = Communicator::world();
  const Samples train = samples_of(comm, 1001, false);
  EpochSamples epoch({1001, 16, false}, Granules::of_each_rank(comm.size()), 5, EpochSamples::Order::global,
                     64);
  for (int64_t e : {3, 4}) {
    epoch.begin(comm, train, e);
    const Permutation order(1001, 5, Purpose::epoch_order, static_cast<uint64_t>(e));
    for (int64_t s : {40, 41, 62, 7, 0}) {
      const auto part = epoch.part(comm, train, s);
      for (std::size_t k = 0; k < part.users.size(); ++k)
        ASSERT_EQ(static_cast<uint64_t>(part.users[k]),
                  order.inverse(static_cast<uint64_t>(part.first_position) + k));
    }
  }
}

TEST(EpochSamples, AUsersSamplesStandTogetherWithinAGranule) {
  Communicator comm = Communicator::world();
  if (4 % comm.size() != 0) GTEST_SKIP() << comm.size() << " ranks do not share 4 granules";
  Samples train = samples_of(comm, 5000, false);
  for (Sample& s : train.rows) {
    s.item = s.user;  // the sample's number, which is by user
    s.user /= 17;
  }
  const Granules granules = Granules::fixed(4, comm.size());
  for (const int64_t batch : {2000, 100}) {
    EpochSamples plain({5000, batch, false}, granules, 5),
        sorted({5000, batch, false}, granules, 5, EpochSamples::Order::by_user);
    plain.begin(comm, train, 0);
    sorted.begin(comm, train, 0);
    for (int64_t s = 0; s < plain.shape().steps(); ++s) {
      const auto a = plain.part(comm, train, s), b = sorted.part(comm, train, s);
      ASSERT_EQ(a.bounds, b.bounds);
      for (std::size_t g = 0; g + 1 < a.bounds.size(); ++g) {
        std::vector<std::tuple<int32_t, int32_t, float>> expected, found;
        for (auto k = static_cast<std::size_t>(a.bounds[g]); k < static_cast<std::size_t>(a.bounds[g + 1]);
             ++k) {
          expected.emplace_back(a.users[k], a.items[k], a.ratings[k]);
          found.emplace_back(b.users[k], b.items[k], b.ratings[k]);
        }
        // By user and item; few samples stay as they are.
        if (expected.size() >= 256) std::ranges::sort(expected);
        ASSERT_EQ(expected, found);
      }
    }
  }
}

/// Of a step: the numbers of all ranks' samples, in order.
std::vector<int64_t> all_numbers(Communicator& comm, const EpochSamples::Part& part) {
  std::vector<int64_t> mine;
  for (const float rating : part.ratings) mine.push_back(static_cast<int64_t>(rating));
  std::vector<int64_t> all = comm.all_gather_v(std::span<const int64_t>(mine)).values;
  std::ranges::sort(all);
  return all;
}

class DealingTest : public EpochSamplesTest {};

TEST_P(DealingTest, SamplesGoToTheOwnersOfTheirUsersAsFarAsSharesAreEqual) {
  const auto [total, batch_size, drop_last, lopsided, skewed] = GetParam();
  Communicator comm = Communicator::world();
  Samples train = samples_of(comm, total, lopsided);
  for (Sample& s : train.rows) {  // the rating is the sample's number
    s.user = skewed ? (s.user < total * 2 / 3 ? 1 : s.user / 50) : s.user / 7;
    s.item = static_cast<int32_t>(s.rating) * 3;
  }
  const EpochShape shape{total, batch_size, drop_last};
  const std::vector<int64_t> firsts = comm.all_gather(train.first);
  const auto holder = [&](float number) {
    return std::ranges::upper_bound(firsts, static_cast<int64_t>(number)) - firsts.begin();
  };
  const int64_t threads = 2;
  const Granules granules = Granules::of_each_rank(comm.size(), threads);
  for (const int64_t window : {1 << 15, 40}) {
    EpochSamples plain(shape, granules, 5, EpochSamples::Order::global, window),
        dealt(shape, granules, 5, EpochSamples::Order::with_owner, window),
        in_memory(shape, granules, 5, EpochSamples::Order::with_owner, window);
    in_memory.share_memory(comm);
    for (EpochSamples* samples : {&plain, &dealt, &in_memory}) samples->begin(comm, train, 3);
    for (int64_t s = 0; s < shape.steps(); ++s) {
      const auto a = plain.part(comm, train, s), b = dealt.part(comm, train, s);
      const auto same = in_memory.part(comm, train, s);
      ASSERT_TRUE(std::ranges::equal(same.ratings, b.ratings));
      ASSERT_TRUE(std::ranges::equal(same.users, b.users));
      ASSERT_TRUE(std::ranges::equal(same.items, b.items));
      ASSERT_EQ(a.bounds, b.bounds);
      ASSERT_EQ(std::ssize(b.users), granules.part_size(shape.batch(s), comm.rank()));
      ASSERT_EQ(all_numbers(comm, a), all_numbers(comm, b));
      int64_t own_here = 0;
      for (std::size_t k = 0; k < b.users.size(); ++k) {
        const auto number = static_cast<int32_t>(b.ratings[k]);
        ASSERT_EQ(b.items[k], number * 3);
        ASSERT_EQ(b.users[k], skewed ? (number < total * 2 / 3 ? 1 : number / 50) : number / 7);
        own_here += b.users[k] % comm.size() == comm.rank() ? 1 : 0;
      }
      std::vector<int64_t> of_owner(static_cast<std::size_t>(comm.size()));
      for (const int32_t user : a.users) ++of_owner[static_cast<std::size_t>(user % comm.size())];
      comm.all_reduce_sum(std::span<int64_t>(of_owner));
      EXPECT_EQ(own_here, std::min(of_owner[static_cast<std::size_t>(comm.rank())], std::ssize(b.users)));
      // A user's samples stand together, in the order of their numbers, as far as one rank holds them.
      if (comm.size() == 1 && b.users.size() < 256) continue;  // few samples stay as they are
      std::set<std::pair<int32_t, std::ptrdiff_t>> seen;
      for (std::size_t k = 0; k < b.users.size(); ++k) {
        if (k > 0 && b.users[k] == b.users[k - 1] && holder(b.ratings[k]) == holder(b.ratings[k - 1]))
          ASSERT_LT(b.ratings[k - 1], b.ratings[k]);
        else
          ASSERT_TRUE(seen.emplace(b.users[k], holder(b.ratings[k])).second);
      }
    }
  }
}

/// Which samples are in a granule may not depend on the number of ranks there.
TEST(EpochSamples, GranulesInAFixedOrderKeepTheirSamples) {
  Communicator comm = Communicator::world();
  if (8 % comm.size() != 0) GTEST_SKIP() << comm.size() << " ranks do not share 8 granules";
  const Samples train = samples_of(comm, 5000, false);
  const Granules granules = Granules::fixed(8, comm.size());
  EpochSamples by_user({5000, 3000, false}, granules, 5, EpochSamples::Order::by_user),
      with_owner({5000, 3000, false}, granules, 5, EpochSamples::Order::with_owner);
  by_user.begin(comm, train, 0);
  with_owner.begin(comm, train, 0);
  for (const int64_t s : {0, 1}) {
    const auto a = by_user.part(comm, train, s), b = with_owner.part(comm, train, s);
    EXPECT_TRUE(std::ranges::equal(a.ratings, b.ratings));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DealingTest,
                         testing::Combine(testing::Values(1, 64, 3001), testing::Values(7, 64, 2500),
                                          testing::Bool(), testing::Bool(), testing::Bool()));
INSTANTIATE_TEST_SUITE_P(Shapes, EpochSamplesTest,
                         testing::Combine(testing::Values(1, 3, 64, 1001), testing::Values(1, 2, 7, 64, 5000),
                                          testing::Bool(), testing::Bool(), testing::Bool()));

}  // namespace
}  // namespace ncf
