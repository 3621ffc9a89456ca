// The float update rules against the formulas of the header in double precision.
#include "ncf/nn/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace ncf {
namespace {

class OptimizerTest : public testing::TestWithParam<std::tuple<RuleKind, bool>> {};

TEST_P(OptimizerTest, FollowsItsFormulaForAHundredSteps) {
  auto [kind, decays] = GetParam();
  const UpdateRule rule{kind, 0.1, 0.99, 1e-5};
  constexpr std::size_t n = 19;  // not a multiple of a vector
  std::vector<float> w(n), g(n), m(n), v(n);
  std::vector<double> W(n), M(n), V(n);
  for (std::size_t i = 0; i < n; ++i) W[i] = w[i] = static_cast<float>(std::cos(static_cast<double>(i)));
  for (int64_t t = 1; t <= 100; ++t) {
    const StepRates rates{0.01 * (1 + std::sin(static_cast<double>(t))),
                          0.85 + 0.001 * static_cast<double>(t)};
    const bool touched = t % 3 != 0;
    for (std::size_t i = 0; i < n; ++i)
      g[i] = touched ? static_cast<float>(std::sin(static_cast<double>(t) * (1.0 + static_cast<double>(i))))
                     : 0.0F;
    const StepFactors f = step_factors(rule, rates, t);
    update(f, decays, n, w.data(), g.data(), m.data(), v.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double grad = static_cast<double>(g[i]);
      if (decays) W[i] *= 1 - rates.lr * rule.weight_decay;
      if (kind == RuleKind::sgd) {
        M[i] = rates.momentum * M[i] + grad;
        W[i] -= rates.lr * M[i];
      } else {
        M[i] = rates.momentum * M[i] + (1 - rates.momentum) * grad;
        V[i] = rule.beta2 * V[i] + (1 - rule.beta2) * grad * grad;
        const double steps = static_cast<double>(t);
        W[i] -= rates.lr / (1 - std::pow(rates.momentum, steps)) * M[i] /
                (std::sqrt(V[i] / (1 - std::pow(rule.beta2, steps))) + rule.eps);
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(w[i], W[i], 2e-5 * (1 + std::abs(W[i])));
}

TEST_P(OptimizerTest, TwoTermsHaveTheBitsOfTheirSum) {
  const auto [kind, decays] = GetParam();
  constexpr std::size_t n = 37;
  std::vector<float> a(n), b(n), sum(n), w(n, 0.3F), m(n), v(n);
  std::vector<float> of_two = w, m2 = m, v2 = v;
  for (int64_t t = 1; t <= 50; ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      a[i] = static_cast<float>(std::sin(static_cast<double>(t) * static_cast<double>(i + 1)));
      b[i] = static_cast<float>(std::cos(static_cast<double>(t) * 1e-3 * static_cast<double>(i + 1)));
      sum[i] = a[i] + b[i];
    }
    const StepFactors f = step_factors({kind, 0.1, 0.99, 1e-5}, {0.01, 0.9}, t);
    EXPECT_TRUE(update(f, decays, n, w.data(), sum.data(), m.data(), v.data()));
    EXPECT_TRUE(update(f, decays, n, of_two.data(), a.data(), m2.data(), v2.data(), b.data()));
    ASSERT_EQ(w, of_two);
    ASSERT_EQ(m, m2);
    ASSERT_EQ(v, v2);
  }
}

TEST_P(OptimizerTest, TellsOfAnyValueThatIsNotFinite) {
  const auto [kind, decays] = GetParam();
  const StepFactors f = step_factors({kind, 0.1, 0.99, 1e-5}, {0.01, 0.9}, 3);
  const float infinite = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const std::size_t n : {1, 16, 37})
    for (std::size_t at = 0; at <= n; ++at)  // n: all are finite
      for (const float bad : {nan, -nan, infinite, -infinite})
        for (const bool in_gradient : {true, false}) {
          std::vector<float> w(n, -0.5F), g(n, 1e-3F), m(n, 0.1F), v(n, 0.2F);
          if (at < n) (in_gradient ? g : w)[at] = bad;
          EXPECT_EQ(update(f, decays, static_cast<int64_t>(n), w.data(), g.data(), m.data(), v.data()),
                    at == n)
              << n << ' ' << at << ' ' << bad << ' ' << in_gradient;
        }
}

INSTANTIATE_TEST_SUITE_P(Rules, OptimizerTest,
                         testing::Combine(testing::Values(RuleKind::adamw, RuleKind::sgd), testing::Bool()));

class UpdateRows : public testing::TestWithParam<RuleKind> {};

TEST_P(UpdateRows, MovesThemAsOneByOne) {
  const StepFactors f = step_factors({GetParam(), 0.1, 0.99, 1e-5}, {0.01, 0.9}, 3);
  constexpr int64_t table_rows = 40;
  const std::vector<int64_t> rows = {39, 0, 7, 8, 3, 20, 21, 1, 38, 12, 13};  // more than are asked for ahead
  for (const int64_t cols : {1, 16, 37, 74})
    for (const bool finite : {true, false}) {
      Matrix w(table_rows, cols), m(table_rows, cols), v(table_rows, cols), g(std::ssize(rows), cols);
      const auto fill = [&](Matrix& of, float size) {
        for (std::size_t i = 0; i < of.values().size(); ++i)
          of.values()[i] = size * static_cast<float>(1.5 + std::sin(static_cast<double>(i) + 7.0));
      };
      fill(w, -0.5F), fill(m, 0.1F), fill(v, 0.2F), fill(g, 1e-2F);
      if (!finite) g.row(9)[cols - 1] = std::numeric_limits<float>::infinity();
      Matrix w1 = w, m1 = m, v1 = v;
      EXPECT_EQ(update_rows(f, {rows, w.view(), m.view(), v.view(), g.view()}), finite);
      for (std::size_t k = 0; k < rows.size(); ++k)
        update(f, true, cols, w1.row(rows[k]), g.row(static_cast<int64_t>(k)), m1.row(rows[k]),
               v1.row(rows[k]));
      const auto expect_same = [](const Matrix& some, const Matrix& others) {
        for (std::size_t i = 0; i < some.values().size(); ++i) {
          if (!std::isfinite(others.values()[i])) continue;
          ASSERT_NEAR(some.values()[i], others.values()[i], 1e-6F * std::abs(others.values()[i])) << i;
        }
      };
      expect_same(w, w1), expect_same(m, m1), expect_same(v, v1);  // and rows that are not moved stay
    }
}

INSTANTIATE_TEST_SUITE_P(Rules, UpdateRows, testing::Values(RuleKind::adamw, RuleKind::sgd));

}  // namespace
}  // namespace ncf
