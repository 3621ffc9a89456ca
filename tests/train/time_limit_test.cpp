#include "ncf/train/time_limit.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

namespace ncf {
namespace {

class TimeLimitTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("SLURM_JOB_END_TIME"); }
  void TearDown() override { unsetenv("SLURM_JOB_END_TIME"); }
  static void slurm_ends_in(int64_t seconds) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t end = std::chrono::duration_cast<std::chrono::seconds>(now).count() + seconds;
    setenv("SLURM_JOB_END_TIME", std::to_string(end).c_str(), 1);
  }
  static TimeLimit limit(const std::string& stop_before) {
    RunConfig run;
    run.stop_before = stop_before;
    return TimeLimit(run);
  }
};

constexpr double slack = 5;  // seconds that a test may lose on a busy machine

TEST_F(TimeLimitTest, WithoutOneItIsNeverNear) {
  const TimeLimit none = limit("");
  EXPECT_FALSE(none.is_near(0));
  EXPECT_FALSE(none.is_near(1e12));
  EXPECT_FALSE(none.left_s().has_value());
  EXPECT_EQ(none.name(), "");
}

TEST_F(TimeLimitTest, StopBeforeCountsFromNow) {
  const TimeLimit own = limit("01:00:00");
  EXPECT_EQ(own.name(), "run.stop_before 01:00:00");
  ASSERT_TRUE(own.left_s().has_value());
  EXPECT_LE(*own.left_s(), 3600);
  EXPECT_GT(*own.left_s(), 3600 - slack);
}

/// Of an hour a minute is for saving, besides twice the longest save: 3600 - 60 = 2 × 1770.
TEST_F(TimeLimitTest, TheMarginIsAMinuteAtMostAndTwiceTheLongestSave) {
  const TimeLimit hour = limit("01:00:00");
  EXPECT_FALSE(hour.is_near(0));
  EXPECT_FALSE(hour.is_near(1770 - slack));
  EXPECT_TRUE(hour.is_near(1770));
}

/// Of 200 seconds it is a twentieth: 200 - 10 = 2 × 95.
TEST_F(TimeLimitTest, TheMarginOfAShortRunIsATwentieth) {
  const TimeLimit brief = limit("00:03:20");
  EXPECT_FALSE(brief.is_near(95 - slack));
  EXPECT_TRUE(brief.is_near(95));
}

TEST_F(TimeLimitTest, SlurmSaysWhenTheJobEnds) {
  slurm_ends_in(3600);
  const TimeLimit job = limit("");
  EXPECT_EQ(job.name(), "the end of the SLURM job");
  ASSERT_TRUE(job.left_s().has_value());
  EXPECT_LE(*job.left_s(), 3600);
  EXPECT_GT(*job.left_s(), 3600 - slack);
  EXPECT_FALSE(job.is_near(1770 - slack));
  EXPECT_TRUE(job.is_near(1770));
}

TEST_F(TimeLimitTest, TheEarlierOfTheTwoCounts) {
  slurm_ends_in(3600);
  EXPECT_EQ(limit("00:30:00").name(), "run.stop_before 00:30:00");
  EXPECT_LE(*limit("00:30:00").left_s(), 1800);
  EXPECT_EQ(limit("02:00:00").name(), "the end of the SLURM job");
  EXPECT_LE(*limit("02:00:00").left_s(), 3600);
}

TEST_F(TimeLimitTest, AJobThatIsOverIsNear) {
  slurm_ends_in(-100);
  EXPECT_TRUE(limit("").is_near(0));
  EXPECT_LT(*limit("").left_s(), 0);
  EXPECT_TRUE(limit("01:00:00").is_near(0));
}

TEST_F(TimeLimitTest, AnEndThatIsNoTimeIsNone) {
  for (const char* text : {"", "never", "0", "-5", "1700000000x", "nan"}) {
    setenv("SLURM_JOB_END_TIME", text, 1);
    EXPECT_EQ(limit("").name(), "") << text;
    EXPECT_FALSE(limit("").is_near(1e12)) << text;
    EXPECT_EQ(limit("01:00:00").name(), "run.stop_before 01:00:00") << text;
  }
}

}  // namespace
}  // namespace ncf
