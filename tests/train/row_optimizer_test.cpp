#include "ncf/train/row_optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ncf {
namespace {

const UpdateRule rule{RuleKind::adamw, 0.1, 0.99, 1e-5};

Schedule one_cycle(int64_t steps) {
  Schedule s;
  s.lr = 0.05;
  s.total_steps = steps;
  return s;
}

TEST(RowOptimizer, AnUntouchedLazyRowDecaysAsADenseOne) {
  const Schedule schedule = one_cycle(50);
  const RowOptimizer lazy(rule, schedule, true);
  RowTable table({"user", 3, 4, false}, {0, 1}, 1, 0);
  const Matrix before = table.weight;
  lazy.catch_up_all(table, 20);
  lazy.catch_up_all(table, 50);
  double factor = 1;
  for (int64_t t = 0; t < 50; ++t) factor *= 1 - schedule.at(t).lr * rule.weight_decay;
  for (std::size_t i = 0; i < before.values().size(); ++i)
    EXPECT_NEAR(table.weight.values()[i] / before.values()[i], factor, 1e-6);
}

TEST(RowOptimizer, RowsTouchedEveryStepAreTheSameLazyOrDense) {
  const Schedule schedule = one_cycle(30);
  const RowOptimizer lazy(rule, schedule, true), dense(rule, schedule, false);
  RowTable a({"user", 4, 4, false}, {0, 1}, 1, 0), b = a;
  const std::vector<int64_t> rows = {0, 1, 2, 3};
  Matrix g(4, 4);
  for (int64_t t = 1; t <= 30; ++t) {
    for (std::size_t i = 0; i < 16; ++i)
      g.values()[i] = static_cast<float>(std::sin(static_cast<double>(t) + static_cast<double>(i)));
    const StepFactors f = step_factors(rule, schedule.at(t - 1), t);
    lazy.catch_up(a, rows, t - 1);
    lazy.move(a, rows, g, f, t);
    dense.move(b, rows, g, f, t);
  }
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(a.weight.values()[i], b.weight.values()[i]);
}

TEST(RowOptimizer, DenseMovesRowsWithoutASampleAsIfTheirGradientWereZero) {
  const Schedule schedule = one_cycle(10);
  const RowOptimizer dense(rule, schedule, false);
  RowTable a({"user", 5, 3, false}, {0, 1}, 1, 0);
  a.first_moment.fill(0.5F);
  a.second_moment.fill(0.25F);
  RowTable b = a;
  const std::vector<int64_t> some = {1, 3}, all = {0, 1, 2, 3, 4};
  Matrix g(2, 3), whole(5, 3);
  g.fill(0.7F);
  whole.fill(0);
  for (int64_t row : some) std::fill_n(whole.row(row), 3, 0.7F);
  const StepFactors f = step_factors(rule, schedule.at(0), 1);
  dense.move(a, some, g, f, 1);
  dense.move(b, all, whole, f, 1);
  for (std::size_t i = 0; i < 15; ++i) EXPECT_FLOAT_EQ(a.weight.values()[i], b.weight.values()[i]);
  EXPECT_EQ(a.last_step, b.last_step);
}

}  // namespace
}  // namespace ncf
