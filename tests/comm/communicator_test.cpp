// Every verb against an answer worked out by hand, whatever the number of ranks: empty parts, ranks with
// nothing, elements of odd sizes; and bytes_sent against the least that has to travel.
#include "ncf/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

struct Five {
  std::array<unsigned char, 5> bytes;
  bool operator==(const Five&) const = default;
};
static_assert(sizeof(Five) == 5);

struct Mixed {
  double value;
  int32_t row;
  char tag;
  bool operator==(const Mixed& o) const { return value == o.value && row == o.row && tag == o.tag; }
};

/// Element k of what rank `from` has for rank `to`.
template <class T>
T element(int from, int to, int64_t k);
template <>
int32_t element(int from, int to, int64_t k) {
  return static_cast<int32_t>(from * 10000 + to * 100 + k);
}
template <>
Five element(int from, int to, int64_t k) {
  const auto byte = [](auto v) { return static_cast<unsigned char>(v); };
  return {{byte(from), byte(to), byte(k), 255, byte(from + to)}};
}
template <>
Mixed element(int from, int to, int64_t k) {
  return {from + to / 16.0, static_cast<int32_t>(k), 'x'};
}

/// Uneven, with empty parts: in all-to-all rank 1 sends nothing and rank 2 gets nothing.
int64_t part(int from, int to) {
  return from == 1 || to == 2 ? 0 : (from * 3 + to * 5 + 1) % 7;
}

template <class T>
class ElementTest : public testing::Test {
 protected:
  /// What all ranks together hand to other ranks in `act`. Collective.
  template <class F>
  uint64_t sent_by_all(F&& act) {
    const uint64_t before = comm.bytes_sent();
    act();
    const uint64_t sent = comm.bytes_sent() - before;
    return static_cast<uint64_t>(comm.sum(static_cast<int64_t>(sent)));
  }
  Communicator comm = Communicator::world();
  const int me = comm.rank(), ranks = comm.size();
};
using Elements = testing::Types<int32_t, Five, Mixed>;
TYPED_TEST_SUITE(ElementTest, Elements);

TYPED_TEST(ElementTest, BroadcastFromEveryRoot) {
  for (int root = 0; root < this->ranks; ++root)
    for (int64_t n : {0, 1, 1000}) {
      std::vector<TypeParam> values(static_cast<std::size_t>(n), element<TypeParam>(99, 99, 99));
      if (this->me == root)
        for (int64_t k = 0; k < n; ++k)
          values[static_cast<std::size_t>(k)] = element<TypeParam>(root, 0, k % 200);
      const uint64_t sent = this->sent_by_all([&] { this->comm.broadcast(std::span(values), root); });
      for (int64_t k = 0; k < n; ++k)
        ASSERT_EQ(values[static_cast<std::size_t>(k)], (element<TypeParam>(root, 0, k % 200)))
            << root << " " << k;
      EXPECT_EQ(sent, static_cast<uint64_t>(n * (this->ranks - 1)) * sizeof(TypeParam));
    }
}

TYPED_TEST(ElementTest, AllGatherOfEqualParts) {
  for (int64_t n : {0, 1, 17}) {
    std::vector<TypeParam> mine, all(static_cast<std::size_t>(n * this->ranks));
    for (int64_t k = 0; k < n; ++k) mine.push_back(element<TypeParam>(this->me, 1, k));
    const uint64_t sent = this->sent_by_all(
        [&] { this->comm.all_gather(std::span<const TypeParam>(mine), std::span<TypeParam>(all)); });
    for (int r = 0; r < this->ranks; ++r)
      for (int64_t k = 0; k < n; ++k)
        ASSERT_EQ(all[static_cast<std::size_t>(r * n + k)], (element<TypeParam>(r, 1, k)));
    EXPECT_EQ(sent, static_cast<uint64_t>(n * this->ranks * (this->ranks - 1)) * sizeof(TypeParam));
  }
  const auto one_each = this->comm.all_gather(element<TypeParam>(this->me, 2, 3));
  ASSERT_EQ(std::ssize(one_each), this->ranks);
  for (int r = 0; r < this->ranks; ++r)
    EXPECT_EQ(one_each[static_cast<std::size_t>(r)], (element<TypeParam>(r, 2, 3)));
}

TYPED_TEST(ElementTest, AllGatherOfUnevenParts) {
  for (const bool all_empty : {false, true}) {
    const auto length = [&](int r) { return all_empty ? 0 : part(r, 0); };
    std::vector<TypeParam> mine;
    for (int64_t k = 0; k < length(this->me); ++k) mine.push_back(element<TypeParam>(this->me, 0, k));
    const auto all = this->comm.all_gather_v(std::span<const TypeParam>(mine));
    ASSERT_EQ(std::ssize(all.offsets), this->ranks + 1);
    int64_t at = 0;
    for (int r = 0; r < this->ranks; ++r) {
      EXPECT_EQ(all.offsets[static_cast<std::size_t>(r)], at);
      for (int64_t k = 0; k < length(r); ++k)
        ASSERT_EQ(all.values[static_cast<std::size_t>(at++)], (element<TypeParam>(r, 0, k)));
    }
    EXPECT_EQ(all.offsets.back(), at);
    EXPECT_EQ(std::ssize(all.values), at);
  }
}

TYPED_TEST(ElementTest, AllToAllOfEqualParts) {
  for (int64_t n : {0, 1, 9}) {
    std::vector<TypeParam> send, receive(static_cast<std::size_t>(n * this->ranks));
    for (int to = 0; to < this->ranks; ++to)
      for (int64_t k = 0; k < n; ++k) send.push_back(element<TypeParam>(this->me, to, k));
    const uint64_t sent = this->sent_by_all(
        [&] { this->comm.all_to_all(std::span<const TypeParam>(send), std::span<TypeParam>(receive)); });
    for (int from = 0; from < this->ranks; ++from)
      for (int64_t k = 0; k < n; ++k)
        ASSERT_EQ(receive[static_cast<std::size_t>(from * n + k)], (element<TypeParam>(from, this->me, k)));
    EXPECT_EQ(sent, static_cast<uint64_t>(n * this->ranks * (this->ranks - 1)) * sizeof(TypeParam));
  }
}

TYPED_TEST(ElementTest, AllToAllOfUnevenParts) {
  std::vector<TypeParam> send, expected;
  std::vector<int64_t> send_counts, receive_counts;
  int64_t to_others = 0;
  for (int r = 0; r < this->ranks; ++r) {
    send_counts.push_back(part(this->me, r));
    receive_counts.push_back(part(r, this->me));
    for (int64_t k = 0; k < part(this->me, r); ++k) send.push_back(element<TypeParam>(this->me, r, k));
    for (int64_t k = 0; k < part(r, this->me); ++k) expected.push_back(element<TypeParam>(r, this->me, k));
    if (r != this->me) to_others += part(this->me, r);
  }
  std::vector<TypeParam> receive(expected.size());
  const uint64_t before = this->comm.bytes_sent();
  this->comm.all_to_all_v(std::span<const TypeParam>(send), send_counts, std::span<TypeParam>(receive),
                          receive_counts);
  EXPECT_EQ(this->comm.bytes_sent() - before, static_cast<uint64_t>(to_others) * sizeof(TypeParam));
  EXPECT_EQ(receive, expected);

  const auto unknown = this->comm.all_to_all_v(std::span<const TypeParam>(send), send_counts);
  EXPECT_EQ(unknown.values, expected);
  ASSERT_EQ(std::ssize(unknown.offsets), this->ranks + 1);
  int64_t at = 0;
  for (int r = 0; r < this->ranks; ++r) {
    EXPECT_EQ(unknown.offsets[static_cast<std::size_t>(r)], at);
    at += part(r, this->me);
  }
  EXPECT_EQ(unknown.offsets.back(), at);
}

class CommunicatorTest : public ElementTest<int32_t> {};

TEST_F(CommunicatorTest, KnowsWhoIsThere) {
  EXPECT_GE(me, 0);
  EXPECT_LT(me, ranks);
  EXPECT_EQ(comm.is_root(), me == 0);
  // All tests run on one machine.
  EXPECT_EQ(comm.node_size(), ranks);
  EXPECT_EQ(comm.node_rank(), me);
  comm.barrier();
}

TEST_F(CommunicatorTest, Reductions) {
  const int64_t n = ranks;
  std::vector<float> f{1.0F * static_cast<float>(me), 0.5F};
  std::vector<double> d{1.0 * me, -0.25};
  std::vector<int64_t> i{me, -3}, high{me, -me}, low{me, -me};
  std::vector<uint64_t> u{uint64_t{1} << 40, static_cast<uint64_t>(me)};
  std::vector<double> top{-1.0 - me, 0.5 * me};
  comm.all_reduce_sum(std::span(f));
  comm.all_reduce_sum(std::span(d));
  comm.all_reduce_sum(std::span(i));
  comm.all_reduce_sum(std::span(u));
  comm.all_reduce_max(std::span(high));
  comm.all_reduce_max(std::span(top));
  comm.all_reduce_min(std::span(low));
  const int64_t triangle = n * (n - 1) / 2;
  EXPECT_EQ(f, (std::vector<float>{static_cast<float>(triangle), 0.5F * static_cast<float>(n)}));
  EXPECT_EQ(d, (std::vector<double>{static_cast<double>(triangle), -0.25 * static_cast<double>(n)}));
  EXPECT_EQ(i, (std::vector<int64_t>{triangle, -3 * n}));
  EXPECT_EQ(u, (std::vector<uint64_t>{(uint64_t{1} << 40) * static_cast<uint64_t>(n),
                                      static_cast<uint64_t>(triangle)}));
  EXPECT_EQ(high, (std::vector<int64_t>{n - 1, 0}));
  EXPECT_EQ(low, (std::vector<int64_t>{0, 1 - n}));
  EXPECT_EQ(top, (std::vector<double>{-1, 0.5 * static_cast<double>(n - 1)}));
  EXPECT_EQ(comm.sum(int64_t{2}), 2 * n);
  EXPECT_EQ(comm.sum(0.5), 0.5 * static_cast<double>(n));
  EXPECT_EQ(comm.max(int64_t{me}), n - 1);
  EXPECT_EQ(comm.max(-0.5 * me), 0);
  comm.all_reduce_sum(std::span<float>());
}

TEST_F(CommunicatorTest, LargeReductionCountsTheLeastTraffic) {
  std::vector<float> values(12 * 1024);
  std::iota(values.begin(), values.end(), 0.0F);
  const uint64_t before = comm.bytes_sent();
  comm.all_reduce_sum(std::span(values));
  EXPECT_EQ(comm.bytes_sent() - before,
            values.size() * 4 * 2 * static_cast<uint64_t>(ranks - 1) / static_cast<uint64_t>(ranks));
  for (std::size_t k = 0; k < values.size(); ++k)
    ASSERT_EQ(values[k], static_cast<float>(k) * static_cast<float>(ranks));
}

TEST_F(CommunicatorTest, ExclusiveSum) {
  const uint64_t sent = sent_by_all([&] { EXPECT_EQ(comm.exclusive_sum(me + 1), me * (me + 1) / 2); });
  EXPECT_EQ(sent, 8U * static_cast<uint64_t>(ranks - 1));
  EXPECT_EQ(comm.exclusive_sum(-5), -5 * me);
  std::vector<int64_t> several{1, me, -2};
  comm.exclusive_sum(std::span<int64_t>(several));
  EXPECT_EQ(several, (std::vector<int64_t>{me, me * (me - 1) / 2, -2 * me}));
}

TEST_F(CommunicatorTest, Strings) {
  const std::string long_text(100'000, 'l');
  for (int root = 0; root < ranks; ++root) {
    EXPECT_EQ(comm.broadcast(me == root ? long_text : std::string("mine"), root), long_text);
    EXPECT_EQ(comm.broadcast(me == root ? std::string() : std::string("mine"), root), "");
  }
  const auto all = comm.all_gather(std::string(static_cast<std::size_t>(me % 3), 'a') +
                                   std::string(me == 0 ? 0 : 1, '\0'));
  ASSERT_EQ(std::ssize(all), ranks);
  for (int r = 0; r < ranks; ++r)
    EXPECT_EQ(all[static_cast<std::size_t>(r)],
              std::string(static_cast<std::size_t>(r % 3), 'a') + std::string(r == 0 ? 0 : 1, '\0'));
}

TEST_F(CommunicatorTest, WrongPartsAreRefusedBeforeAnythingIsSent) {
  const std::vector<int32_t> send(static_cast<std::size_t>(ranks) + 1);
  std::vector<int32_t> receive(static_cast<std::size_t>(ranks));
  const std::vector<int64_t> ones(static_cast<std::size_t>(ranks), 1);
  std::vector<int64_t> negative = ones;
  negative[0] = -1;
  const std::span<const int32_t> fitting(send.data(), static_cast<std::size_t>(ranks));
  const std::span<int32_t> to(receive);
  const auto refused = [](const auto& call) {
    try {
      call();
    } catch (const Error& e) {
      return e.kind() == ErrorKind::internal;
    }
    return false;
  };
  const std::span<const int64_t> none;
  EXPECT_TRUE(refused([&] { comm.all_to_all_v(std::span<const int32_t>(send), ones, to, ones); }));
  EXPECT_TRUE(refused([&] { comm.all_to_all_v(fitting, negative, to, ones); }));
  EXPECT_TRUE(refused([&] { comm.all_to_all_v(fitting, none, to, ones); }));
  EXPECT_TRUE(refused([&] { comm.all_to_all_v(fitting, ones, to.subspan(1), ones); }));
  EXPECT_TRUE(refused([&] { comm.all_gather(std::span<const int32_t>(send), to); }));
  EXPECT_TRUE(refused([&] { comm.all_to_all(std::span<const int32_t>(send), to); }));
  EXPECT_EQ(comm.bytes_sent(), 0U);
  // MPI counts in int. The pages of what is never touched cost nothing.
  if (ranks > 1) {
    const auto many = (std::size_t{1} << 31) + 1;
    EXPECT_TRUE(refused([&] { comm.all_reduce_sum(std::span(static_cast<float*>(nullptr), many)); }));
  }
}

TEST_F(CommunicatorTest, MovesWithItsCount) {
  Communicator moved = std::move(comm);
  EXPECT_EQ(moved.size(), ranks);
  EXPECT_EQ(moved.sum(int64_t{1}), ranks);
  comm = std::move(moved);
  EXPECT_EQ(comm.sum(int64_t{1}), ranks);
  EXPECT_EQ(comm.bytes_sent() > 0, ranks > 1);
}

TEST_F(CommunicatorTest, TracesItsCollectives) {
  TraceSpans trace(2);
  comm.sum(int64_t{1});  // before the trace
  comm.set_trace(&trace);
  const double waited = comm.waited_s(), begun = now_s();
  const uint64_t sent = comm.bytes_sent();
  std::vector<float> values(1000, 1.0F);
  comm.all_reduce_sum(std::span<float>(values));
  const uint64_t sent_in_sum = comm.bytes_sent() - sent;
  comm.barrier();
  const double ended = now_s(), waited_in_both = comm.waited_s() - waited;
  comm.barrier();  // one more than the trace may hold
  comm.set_trace(nullptr);
  comm.barrier();  // after the trace
  const auto& spans = trace.spans();
  if (ranks == 1) {
    EXPECT_TRUE(spans.empty());
    EXPECT_EQ(comm.waited_s(), 0);
    return;
  }
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(trace.lost(), 1);
  EXPECT_STREQ(spans[0].name, "MPI_Allreduce");
  EXPECT_STREQ(spans[1].name, "MPI_Barrier");
  EXPECT_EQ(spans[0].number, static_cast<int64_t>(sent_in_sum));
  EXPECT_EQ(spans[1].number, 0);
  EXPECT_LE(begun, spans[0].begin_s);
  EXPECT_LE(spans[0].end_s, spans[1].begin_s);
  EXPECT_LE(spans[1].end_s, ended);
  EXPECT_NEAR(waited_in_both, spans[0].end_s - spans[0].begin_s + spans[1].end_s - spans[1].begin_s, 1e-9);
}

TEST_F(CommunicatorTest, SelfIsAlone) {
  Communicator self = Communicator::self();
  EXPECT_EQ(self.size(), 1);
  EXPECT_EQ(self.rank(), 0);
  EXPECT_EQ(self.node_size(), 1);
  self.barrier();
  EXPECT_EQ(self.sum(int64_t{me}), me);
  EXPECT_EQ(self.exclusive_sum(7), 0);
  EXPECT_EQ(self.all_gather(std::string("x")), std::vector<std::string>{"x"});
  const std::vector<int32_t> mine{1, 2, 3};
  const std::vector<int64_t> counts{3};
  EXPECT_EQ(self.all_to_all_v(std::span<const int32_t>(mine), counts).values, mine);
  EXPECT_EQ(self.bytes_sent(), 0U);
}

}  // namespace
}  // namespace ncf
