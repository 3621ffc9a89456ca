#include "ncf/train/slow_rank.hpp"

#include <gtest/gtest.h>

namespace ncf {
namespace {

using Times = std::vector<double>;

TEST(SlowRank, TheOneTheOthersWaitFor) {
  const auto found = slowest_rank(Times{2, 2, 6, 3}, 10);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 2U);
  EXPECT_DOUBLE_EQ(found->times, 3);
  EXPECT_DOUBLE_EQ(found->share, 0.4);
  const auto of_two = slowest_rank(Times{8, 4}, 10);
  ASSERT_TRUE(of_two);
  EXPECT_EQ(of_two->rank, 0U);
  EXPECT_DOUBLE_EQ(of_two->times, 2);
  EXPECT_FALSE(slowest_rank(Times{3}, 10));
  EXPECT_FALSE(slowest_rank(Times{}, 10));
}

TEST(SlowRank, IdleRanksAreNotSlow) {
  const auto found = slowest_rank(Times{0, 0, 1e-9}, 10);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->times, 1);
  EXPECT_EQ(found->share, 0);
}

TEST(SlowRankWatch, NamesARankOnceAfterAWholeWindow) {
  SlowRankWatch watch(3);
  EXPECT_FALSE(watch.add(Times{0.3, 0.9}, 1));
  EXPECT_FALSE(watch.add(Times{0.3, 0.9}, 1));
  const auto found = watch.add(Times{0.3, 0.9}, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 1U);
  EXPECT_NEAR(found->times, 3, 1e-9);
  for (int second = 0; second < 9; ++second) EXPECT_FALSE(watch.add(Times{0.3, 0.9}, 1));
  watch.add(Times{0.9, 0.3}, 1);
  watch.add(Times{0.9, 0.3}, 1);
  const auto other = watch.add(Times{0.9, 0.3}, 1);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->rank, 0U);
}

TEST(SlowRankWatch, SaysNothingOfWhatCostsLittle) {
  SlowRankWatch watch(2);
  for (int second = 0; second < 6; ++second) {
    EXPECT_FALSE(watch.add(Times{0.05, 0.01, 0.01}, 1));  // five times, but of nearly nothing
    EXPECT_FALSE(watch.add(Times{0.9, 0.7, 0.7}, 1));     // a fifth of the time, but alike
  }
  SlowRankWatch moment(4);  // a moment is not a window
  EXPECT_FALSE(moment.add(Times{1, 0.1}, 1));
  for (int second = 0; second < 3; ++second) EXPECT_FALSE(moment.add(Times{0.7, 0.7}, 1));
}

TEST(SlowRankWatch, Off) {
  SlowRankWatch watch(0);
  for (int second = 0; second < 9; ++second) EXPECT_FALSE(watch.add(Times{0.1, 0.9}, 1));
}

}  // namespace
}  // namespace ncf
