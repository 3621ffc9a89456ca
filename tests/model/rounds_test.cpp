// Parts follow the order in which workers compute: no sample waits for rows of a later part than it must.
#include "ncf/model/rounds.hpp"

#include <gtest/gtest.h>

namespace ncf {
namespace {

std::vector<uint8_t> parts_of(const Rounds& rounds, const std::vector<int64_t>& bounds, int64_t number,
                              int64_t parts) {
  std::vector<uint8_t> out;
  rounds.parts(bounds, number, parts, out);
  return out;
}

TEST(Rounds, AreMicroBatchesOfTheWorkerWithMost) {
  EXPECT_EQ((Rounds{.micro_batch = 10, .workers = 1}.count(1, 95)), 10);
  EXPECT_EQ((Rounds{.micro_batch = 10, .workers = 1}.count(3, 20)), 6);
  EXPECT_EQ((Rounds{.micro_batch = 10, .workers = 2}.count(3, 21)), 6);
  EXPECT_EQ((Rounds{.micro_batch = 10, .workers = 4}.count(3, 10)), 1);
  EXPECT_EQ((Rounds{.micro_batch = 0, .workers = 2}.count(3, 1000)), 1);
}

TEST(Rounds, GranulesOfAWorkerFollowEachOther) {
  const Rounds one{.micro_batch = 2, .workers = 1}, two{.micro_batch = 2, .workers = 2};
  const std::vector<int64_t> bounds = {0, 3, 5, 8};
  EXPECT_EQ(parts_of(one, bounds, one.count(3, 3), 6), (std::vector<uint8_t>{0, 0, 1, 2, 2, 3, 3, 4}));
  EXPECT_EQ(parts_of(two, bounds, two.count(3, 3), 4), (std::vector<uint8_t>{0, 0, 1, 0, 0, 2, 2, 3}));
  EXPECT_EQ(parts_of(two, bounds, two.count(3, 3), 2), (std::vector<uint8_t>{0, 0, 0, 0, 0, 1, 1, 1}));
}

TEST(Rounds, ARankWithFewerSamplesHasTheFirstParts) {
  const Rounds rounds{.micro_batch = 2, .workers = 1};
  EXPECT_EQ(parts_of(rounds, {0, 3}, 4, 4), (std::vector<uint8_t>{0, 0, 1}));
  EXPECT_TRUE(parts_of(rounds, {0, 0, 0}, 4, 4).empty());
}

}  // namespace
}  // namespace ncf
