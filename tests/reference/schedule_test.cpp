#include "reference/schedule.hpp"

#include <gtest/gtest.h>

namespace ncf::reference {
namespace {

TEST(ReferenceSchedule, OneCycleRunsOverTheWholeTrainingWhateverItsEpochs) {
  const std::vector<Rates> whole = one_cycle(1, 1000, 0.4), epochs = one_cycle(5, 200, 0.4);
  ASSERT_EQ(whole.size(), epochs.size());
  for (std::size_t step = 0; step < whole.size(); ++step) {
    EXPECT_NEAR(whole[step].lr, epochs[step].lr, 1e-12);
    EXPECT_NEAR(whole[step].momentum, epochs[step].momentum, 1e-12);
  }
}

TEST(ReferenceSchedule, OneCyclePassesThroughTheValuesOfItsDefinition) {
  const std::vector<Rates> rates = one_cycle(1, 1000, 0.4);
  const auto expect = [&](std::size_t step, double lr, double momentum) {
    EXPECT_NEAR(rates.at(step).lr, lr, 1e-12) << step;
    EXPECT_NEAR(rates.at(step).momentum, momentum, 1e-12) << step;
  };
  expect(0, 0.4 / 25, 0.95);
  expect(125, (0.4 / 25 + 0.4) / 2, 0.9);  // half way along a half cosine
  expect(250, 0.4, 0.85);
  expect(500, 0.4 / 1e5 + (0.4 - 0.4 / 1e5) * 0.75, 0.875);  // a third of the way: (1 + cos 60°)/2 is left
  expect(625, (0.4 + 0.4 / 1e5) / 2, 0.9);
  EXPECT_LT(rates.back().lr, 1e-5);
  EXPECT_GT(rates.back().lr, 0.4 / 1e5);  // the end itself belongs to no step
}

TEST(ReferenceSchedule, WarmUpRisesInEqualPartsAndReachesThePeakAfterIt) {
  const std::vector<Rates> rates = constant(10, 3, 0.8, 0.9);
  EXPECT_DOUBLE_EQ(rates[0].lr, 0.2);
  EXPECT_DOUBLE_EQ(rates[2].lr, 0.6);
  for (std::size_t step = 3; step < 10; ++step) EXPECT_EQ(rates[step].lr, 0.8);
  for (const Rates& r : rates) EXPECT_EQ(r.momentum, 0.9);
}

TEST(ReferenceSchedule, CosineFallsTowardsZeroAndStepDrops) {
  const std::vector<Rates> falling = cosine(110, 10, 0.4, 0.9),
                           dropping = step_decay(10, 2, 0.8, 0.9, 4, 0.5);
  EXPECT_DOUBLE_EQ(falling[10].lr, 0.4);
  EXPECT_NEAR(falling[60].lr, 0.2, 1e-12);
  EXPECT_GT(falling[109].lr, 0);
  EXPECT_LT(falling[109].lr, 1e-3);
  const double expected[] = {0.8 / 3, 1.6 / 3, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2};
  for (std::size_t step = 0; step < 10; ++step) EXPECT_NEAR(dropping[step].lr, expected[step], 1e-12) << step;
}

}  // namespace
}  // namespace ncf::reference
