// The digest depends on the samples, not on who holds them.
#include "ncf/train/data_digest.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

namespace ncf {
namespace {

/// All samples of a small data set, and the ids.
struct Whole {
  std::vector<Sample> train, valid;
  std::vector<std::string> users = {"ann", "bob", "cy"}, items = {"1", "23"};

  Whole() {
    for (int32_t k = 0; k < 29; ++k)
      (k % 4 == 3 ? valid : train).push_back({k % 4, k % 3, static_cast<float>(k % 9) / 2});
  }
};

Samples slice(const std::vector<Sample>& all, int64_t first, int64_t last) {
  return {{all.begin() + first, all.begin() + last}, first, std::ssize(all)};
}

enum class Cut { even, one_has_all, last_has_most };

Samples part(const std::vector<Sample>& all, Communicator& comm, Cut cut) {
  const int64_t n = std::ssize(all), rank = comm.rank(), world = comm.size();
  if (cut == Cut::even) return slice(all, n * rank / world, n * (rank + 1) / world);
  if (cut == Cut::one_has_all) return rank == 0 ? slice(all, 0, n) : slice(all, n, n);
  return slice(all, std::min(rank, n), rank == world - 1 ? n : std::min(rank + 1, n));
}

std::string digest(Communicator& comm, const Whole& whole, Cut cut = Cut::even) {
  return data_digest(
      comm, {{whole.users}, {whole.items}, part(whole.train, comm, cut), part(whole.valid, comm, cut)});
}

TEST(DataDigest, TheSameForAnyDistribution) {
  Communicator comm = Communicator::world(), self = Communicator::self();
  const std::string alone = digest(self, {});
  EXPECT_EQ(alone.size(), 32U);
  for (const Cut cut : {Cut::even, Cut::one_has_all, Cut::last_has_most})
    EXPECT_EQ(digest(comm, {}, cut), alone);
}

TEST(DataDigest, WithoutSamplesThereIsOneToo) {
  Communicator comm = Communicator::world();
  Whole none;
  none.train.clear();
  none.valid.clear();
  EXPECT_EQ(digest(comm, none).size(), 32U);
  EXPECT_NE(digest(comm, none), digest(comm, {}));
}

TEST(DataDigest, AnythingElseChangesIt) {
  Communicator comm = Communicator::world();
  const std::function<void(Whole&)> changes[] = {
      [](Whole& w) { w.train[0].rating += 0.5F; },
      [](Whole& w) { w.train.back().rating = std::nextafter(w.train.back().rating, 9.0F); },
      [](Whole& w) { w.valid[2].rating += 0.5F; },
      [](Whole& w) { w.train[7].user = 0; },
      [](Whole& w) { w.train[7].item = 2; },
      [](Whole& w) { std::swap(w.train[7].user, w.train[7].item); },
      [](Whole& w) { std::swap(w.train[3], w.train[4]); },
      [](Whole& w) { std::swap(w.valid[0], w.valid.back()); },
      [](Whole& w) { std::swap(w.train[3].rating, w.train[4].rating); },
      [](Whole& w) { std::swap(w.train[0], w.valid[0]); },
      [](Whole& w) { std::swap(w.train, w.valid); },
      [](Whole& w) { w.valid.push_back(w.train.back()), w.train.pop_back(); },
      [](Whole& w) { w.train.pop_back(); },
      [](Whole& w) { w.users[1] = "Bob"; },
      [](Whole& w) { std::swap(w.users[0], w.users[1]); },
      [](Whole& w) {
        w.users = {"ann", "bobc", "y"};
      },
      [](Whole& w) { w.users.push_back("dan"); },
      [](Whole& w) {
        w.items = {"12", "3"};
      },
      [](Whole& w) { std::swap(w.users, w.items); },
  };
  std::set<std::string> seen = {digest(comm, {})};
  for (std::size_t k = 0; k < std::size(changes); ++k) {
    Whole changed;
    changes[k](changed);
    EXPECT_TRUE(seen.insert(digest(comm, changed)).second) << "change " << k;
  }
}

}  // namespace
}  // namespace ncf
