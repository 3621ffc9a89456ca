#include "ncf/train/row_optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ncf {
namespace {

const UpdateRule rule{RuleKind::adamw, 0.1, 0.99, 1e-5};
WorkerPool pool(2);

Schedule one_cycle(int64_t steps) {
  Schedule s;
  s.lr = 0.05;
  s.total_steps = steps;
  return s;
}

TEST(RowOptimizer, AnUntouchedLazyRowDecaysAsADenseOne) {
  const Schedule schedule = one_cycle(50);
  RowOptimizer lazy(rule, schedule, true);
  RowTable table({"user", 3, 4, false}, {0, 1}, 1, 0);
  const Matrix before = table.weight;
  lazy.catch_up_all(table, 20, pool);
  lazy.catch_up_all(table, 50, pool);
  double factor = 1;
  for (int64_t t = 0; t < 50; ++t) factor *= 1 - schedule.at(t).lr * rule.weight_decay;
  for (std::size_t i = 0; i < before.values().size(); ++i)
    EXPECT_NEAR(table.weight.values()[i] / before.values()[i], factor, 1e-6);
}

TEST(RowOptimizer, ARunWithoutAnEndTakesNoMemoryForItsSteps) {
  Schedule schedule = one_cycle(int64_t{1} << 50);
  schedule.shape = ScheduleShape::constant;
  RowOptimizer lazy(rule, schedule, true);
  RowTable table({"user", 1, 1, false}, {0, 1}, 1, 0);
  const float before = table.weight.values()[0];
  lazy.catch_up_all(table, 7, pool);
  EXPECT_NEAR(table.weight.values()[0] / before, std::pow(1 - 0.05 * 0.1, 7), 1e-6);
}

TEST(RowOptimizer, RowsTouchedEveryStepAreTheSameLazyOrDense) {
  const Schedule schedule = one_cycle(30);
  RowOptimizer lazy(rule, schedule, true), dense(rule, schedule, false);
  RowTable a({"user", 4, 4, false}, {0, 1}, 1, 0), b = a;
  const std::vector<int64_t> rows = {0, 1, 2, 3};
  Matrix g(4, 4), read(4, 4);
  for (int64_t t = 1; t <= 30; ++t) {
    for (std::size_t i = 0; i < 16; ++i)
      g.values()[i] = static_cast<float>(std::sin(static_cast<double>(t) + static_cast<double>(i)));
    const StepFactors f = step_factors(rule, schedule.at(t - 1), t);
    lazy.catch_up(a, rows, t - 1, read.view(), pool);
    EXPECT_TRUE(std::ranges::equal(read.values(), a.weight.values()));
    lazy.move(a, rows, g.view(), f, t, pool);
    dense.move(b, rows, g.view(), f, t, pool);
  }
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(a.weight.values()[i], b.weight.values()[i]);
}

/// A row's weights, moments and gradients in double precision, moved at every step.
struct Witness {
  double w = 0, m = 0, v = 0;
  void move(const UpdateRule& r, const StepRates& rates, int64_t step, double g) {
    w *= 1 - rates.lr * r.weight_decay;
    if (r.kind == RuleKind::sgd) {
      m = rates.momentum * m + g;
      w -= rates.lr * m;
      return;
    }
    m = rates.momentum * m + (1 - rates.momentum) * g;
    v = r.beta2 * v + (1 - r.beta2) * g * g;
    const double t = static_cast<double>(step);
    w -= rates.lr / (1 - std::pow(rates.momentum, t)) * m /
         (std::sqrt(v / (1 - std::pow(r.beta2, t))) + r.eps);
  }
};

class DenseRows : public testing::TestWithParam<RuleKind> {};

TEST_P(DenseRows, MoveAtTheirSamplesAsIfTheyHadMovedAtEveryStep) {
  constexpr int64_t steps = 600, rows = 5, cols = 37;
  UpdateRule r = rule;
  r.kind = GetParam();
  const Schedule schedule = one_cycle(steps);
  RowOptimizer dense(r, schedule, false);
  RowTable table({"user", rows, cols, false}, {0, 1}, 1, 0);
  std::vector<Witness> witness(rows * cols);
  for (std::size_t i = 0; i < witness.size(); ++i)
    witness[i].w = static_cast<double>(table.weight.values()[i]);
  // Row 0 at every step, row 1 at every third, row 2 at every hundredth, row 3 at the first only, row 4
  // never.
  const auto used = [](int64_t row, int64_t t) {
    return row == 0 || (row == 1 && t % 3 == 0) || (row == 2 && t % 100 == 7) || (row == 3 && t == 1);
  };
  for (int64_t t = 1; t <= steps; ++t) {
    std::vector<int64_t> some;
    for (int64_t row = 0; row < rows; ++row)
      if (used(row, t)) some.push_back(row);
    const auto gradient = [&](int64_t row, int64_t c) {
      return static_cast<float>(std::sin(static_cast<double>(t * 7 + row * 3 + c)));
    };
    Matrix g(std::ssize(some), cols);
    for (int64_t k = 0; k < g.rows(); ++k)
      for (int64_t c = 0; c < cols; ++c) g.row(k)[c] = gradient(some[static_cast<std::size_t>(k)], c);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t c = 0; c < cols; ++c)
        witness[static_cast<std::size_t>(row * cols + c)].move(
            r, schedule.at(t - 1), t, used(row, t) ? static_cast<double>(gradient(row, c)) : 0.0);
    Matrix read(std::ssize(some), cols);
    dense.catch_up(table, some, t - 1, read.view(), pool);
    for (int64_t k = 0; k < read.rows(); ++k)
      for (int64_t c = 0; c < cols; ++c)
        ASSERT_EQ(read.row(k)[c], table.weight.row(some[static_cast<std::size_t>(k)])[c]);
    dense.move(table, some, g.view(), step_factors(r, schedule.at(t - 1), t), t, pool);
  }
  dense.catch_up_all(table, steps, pool);
  for (int64_t row = 0; row < rows; ++row) {
    EXPECT_EQ(table.last_step[static_cast<std::size_t>(row)], steps);
    for (int64_t c = 0; c < cols; ++c) {
      const Witness& w = witness[static_cast<std::size_t>(row * cols + c)];
      // A step rounds by up to 6e-8 of a weight that moves through about 1; 600 of them by 1.5e-6.
      EXPECT_NEAR(table.weight.row(row)[c], w.w, 2e-6) << row << ' ' << c;
      EXPECT_NEAR(table.first_moment.row(row)[c], w.m, 1e-5 * std::abs(w.m) + 1e-12);
      if (r.kind == RuleKind::adamw) {
        EXPECT_NEAR(table.second_moment.row(row)[c], w.v, 1e-4 * w.v);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, DenseRows, testing::Values(RuleKind::adamw, RuleKind::sgd),
                         [](const auto& p) { return p.param == RuleKind::sgd ? "sgd" : "adamw"; });

}  // namespace
}  // namespace ncf
