#include "reference/optimizer.hpp"

#include <gtest/gtest.h>

namespace ncf::reference {
namespace {

TEST(ReferenceOptimizer, AdamOnASteadyGradientMovesByTheLearningRate) {
  // With steady rates and gradient, both corrected moments are the gradient's own at every step.
  const Rule rule{.weight_decay = 0};
  for (double gradient : {3.0, -0.02, 1e-6}) {
    double w = 1, expected = 1;
    Moments moments;
    for (std::size_t step = 1; step <= 50; ++step) {
      move(rule, {0.01, 0.9}, step, true, gradient, w, moments);
      expected -= 0.01 * gradient / (std::abs(gradient) + 1e-5);
      EXPECT_NEAR(w, expected, 1e-12);
    }
  }
}

TEST(ReferenceOptimizer, MomentsAreThoseOfTheStepsRates) {
  const Rule rule{.weight_decay = 0.5, .beta2 = 0.75, .eps = 0.5};
  double w = 8;
  Moments moments;
  move(rule, {0.5, 0.5}, 1, true, 4, w, moments);  // decay to 6; m = 2, v = 4; corrected 4 and 16
  EXPECT_DOUBLE_EQ(w, 6 - 0.5 * 4 / 4.5);
  w = 8;
  move(rule, {0.25, 0.75}, 2, false, 0, w,
       moments);  // m = 1.5, v = 3; corrected by 7/16, the new rate's, twice
  EXPECT_DOUBLE_EQ(moments.first, 1.5);
  EXPECT_DOUBLE_EQ(moments.second, 3);
  EXPECT_DOUBLE_EQ(w, 8 - 0.25 * (1.5 * 16 / 7) / (std::sqrt(3.0 * 16 / 7) + 0.5));
}

TEST(ReferenceOptimizer, MomentumKeepsTheWholeGradient) {
  const Rule rule{.sgd = true, .weight_decay = 0.5};
  double w = 8;
  Moments moments;
  move(rule, {0.5, 0.5}, 1, true, 2, w, moments);  // 8·¾ − ½·2
  EXPECT_DOUBLE_EQ(w, 5);
  move(rule, {0.5, 0.5}, 2, false, 1, w, moments);  // 5 − ½·(½·2 + 1)
  EXPECT_DOUBLE_EQ(w, 4);
  EXPECT_EQ(moments.second, 0);
}

}  // namespace
}  // namespace ncf::reference
