// Sums through shared memory against those of MPI.
#include "ncf/comm/shared_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ncf {
namespace {

float value(int64_t rank, int64_t round, int64_t k) {
  return static_cast<float>(std::sin(static_cast<double>(1 + rank * 1009 + round * 101 + k)));
}

TEST(SharedSum, IsForTwoRanks) {
  Communicator self = Communicator::self(), world = Communicator::world();
  EXPECT_EQ(SharedSum::open(self), nullptr);
  EXPECT_EQ(SharedSum::open(world) != nullptr, world.size() == 2)
      << "two ranks of one host should see each other's memory";
}

TEST(SharedSum, HasTheBitsOfAnAllReduce) {
  Communicator comm = Communicator::world();
  const auto shared = SharedSum::open(comm);
  if (shared == nullptr) GTEST_SKIP() << "for two ranks";
  int64_t round = 0;
  for (const int64_t n : {0, 1, 2, 7, 1000, 30011, 5, 30011}) {  // to several pages, and back
    std::vector<float> values;
    for (int64_t k = 0; k < n; ++k) values.push_back(value(comm.rank(), round, k));
    std::vector<float> expected = values;
    comm.all_reduce_sum(std::span(expected));
    const uint64_t before = comm.bytes_sent();
    std::ranges::copy(values, shared->terms(n).begin());
    const auto [first, second] = shared->exchange(comm, n);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = first[k] + second[k];
    EXPECT_EQ(values, expected);
    EXPECT_EQ(comm.bytes_sent() - before, static_cast<uint64_t>(n) * sizeof(float)) << "as an all-reduce's";
    EXPECT_EQ(comm.sum(int64_t{1}), 2);  // both have read
    ++round;
  }
  comm.barrier();  // nobody's memory goes while another reads
}

}  // namespace
}  // namespace ncf
