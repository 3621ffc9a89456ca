// Ranks of a test share one clock, so clocks that are apart are made by adding to it.
#include "ncf/comm/clock_offset.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ncf {
namespace {

TEST(ClockOffset, OneHostHasOneClock) {
  Communicator comm = Communicator::world();
  const ClockOffset found = clock_offset(comm);
  EXPECT_EQ(found.offset_s, 0);
  EXPECT_EQ(found.error_s > 0, !comm.is_root());
}

TEST(ClockOffset, ClocksThatAreApart) {
  Communicator comm = Communicator::world();
  const double ahead = 1000.25 * comm.rank();  // rank 3 was started long before rank 0
  const ClockOffset found = clock_offset(comm, [&] { return now_s() + ahead; });
  EXPECT_LE(std::abs(found.offset_s + ahead), found.error_s);
  EXPECT_LT(found.error_s, 10);
}

TEST(ClockOffset, IsACollectiveThatCounts) {
  Communicator comm = Communicator::world();
  const double waited = comm.waited_s();
  const uint64_t sent = comm.bytes_sent();
  clock_offset(comm);
  EXPECT_EQ(comm.waited_s() > waited, comm.size() > 1);
  EXPECT_EQ(comm.bytes_sent() > sent, comm.size() > 1);
}

}  // namespace
}  // namespace ncf
