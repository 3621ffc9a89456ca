// Sums through shared memory against sums taken in rank order by hand.
#include "ncf/comm/shared_sum.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ncf {
namespace {

float value(int64_t rank, int64_t round, int64_t k) {
  return static_cast<float>(std::sin(static_cast<double>(1 + rank * 1009 + round * 101 + k)));
}

TEST(SharedSum, ARankAloneHasNone) {
  Communicator self = Communicator::self();
  EXPECT_EQ(SharedSum::open(self), nullptr);
}

TEST(SharedSum, AddsInTheOrderOfRanks) {
  Communicator comm = Communicator::world();
  const auto shared = SharedSum::open(comm);
  if (comm.size() == 1) {
    EXPECT_EQ(shared, nullptr);
    return;
  }
  ASSERT_NE(shared, nullptr) << "the ranks of one host should see each other's memory";
  // From fewer values than ranks to several pages, and back.
  int64_t round = 0;
  for (const int64_t n : {0, 1, 2, 7, 1000, 30011, 5, 30011}) {
    std::vector<float> values;
    for (int64_t k = 0; k < n; ++k) values.push_back(value(comm.rank(), round, k));
    const uint64_t before = comm.bytes_sent();
    shared->sum(comm, values);
    for (int64_t k = 0; k < n; ++k) {
      float sum = value(0, round, k);
      for (int64_t r = 1; r < comm.size(); ++r) sum += value(r, round, k);
      ASSERT_EQ(values[static_cast<std::size_t>(k)], sum) << n << ' ' << k;
    }
    // No all-reduce moves less than 2 (P - 1) / P; slices are of whole values.
    const auto ranks = static_cast<double>(comm.size());
    EXPECT_NEAR(static_cast<double>(comm.bytes_sent() - before),
                2 * (ranks - 1) / ranks * 4 * static_cast<double>(n), 8 * ranks);
    comm.barrier();  // the next sum's terms take the place of these
    ++round;
  }
}

}  // namespace
}  // namespace ncf
