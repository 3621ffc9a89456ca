#include "ncf/nn/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ncf {
namespace {

Schedule of(ScheduleShape shape) {
  Schedule s;
  s.shape = shape;
  s.lr = 0.4;
  s.total_steps = 1000;
  return s;
}

TEST(Schedule, OneCycleStartsPeaksAndEndsAsFastai) {
  const Schedule s = of(ScheduleShape::one_cycle);
  EXPECT_DOUBLE_EQ(s.at(0).lr, 0.4 / 25);
  EXPECT_DOUBLE_EQ(s.at(0).momentum, 0.95);
  EXPECT_DOUBLE_EQ(s.at(250).lr, 0.4);
  EXPECT_DOUBLE_EQ(s.at(250).momentum, 0.85);
  EXPECT_NEAR(s.at(125).lr, (0.4 / 25 + 0.4) / 2, 1e-12);  // half way up the cosine
  EXPECT_NEAR(s.at(625).lr, (0.4 + 0.4 / 1e5) / 2, 1e-12);
  EXPECT_NEAR(s.at(999).lr, 0.4 / 1e5, 1e-5);
  EXPECT_NEAR(s.at(999).momentum, 0.95, 1e-5);
  for (int64_t t = 1; t < 1000; ++t) EXPECT_EQ(s.at(t).lr > s.at(t - 1).lr, t <= 250) << t;
}

TEST(Schedule, CosineFallsToZeroAfterWarmUp) {
  Schedule s = of(ScheduleShape::cosine);
  s.warmup = 0.1;
  EXPECT_LT(s.at(0).lr, 0.4 / 50);
  EXPECT_GT(s.at(0).lr, 0);
  EXPECT_DOUBLE_EQ(s.at(100).lr, 0.4);
  EXPECT_NEAR(s.at(550).lr, 0.2, 1e-12);
  EXPECT_LT(s.at(999).lr, 1e-5);
}

TEST(Schedule, StepDropsAndConstantStays) {
  Schedule s = of(ScheduleShape::step);
  s.decay_every = 300;
  s.decay_factor = 0.5;
  EXPECT_DOUBLE_EQ(s.at(299).lr, 0.4);
  EXPECT_DOUBLE_EQ(s.at(300).lr, 0.2);
  EXPECT_DOUBLE_EQ(s.at(900).lr, 0.05);
  EXPECT_DOUBLE_EQ(of(ScheduleShape::constant).at(999).lr, 0.4);
  EXPECT_DOUBLE_EQ(of(ScheduleShape::constant).at(5).momentum, 0.9);
}

}  // namespace
}  // namespace ncf
