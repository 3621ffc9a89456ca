// Units left out of a layer's activations and weights, against plain loops.
#include "ncf/nn/units_on.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "ncf/nn/layers.hpp"

namespace ncf {
namespace {

constexpr float spoilt = 1e30F;  // what stands where no value belongs

using IsOn = std::function<bool(int64_t unit)>;

/// Aligned rows with values in (−1, 1), and what must not be used behind them.
Matrix filled(int64_t rows, int64_t cols, double phase) {
  Matrix m;
  m.reshape_aligned(rows, cols);
  m.fill(spoilt);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      m.row(r)[c] = static_cast<float>(std::sin(phase + 1.7 * static_cast<double>(r * cols + c)));
  return m;
}

/// As after a ReLU: of units that are on about half of the samples have a value.
Matrix rectified(int64_t rows, int64_t units, const IsOn& on) {
  Matrix y = filled(rows, units, 1);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t u = 0; u < units; ++u) y.row(r)[u] = on(u) ? std::max(0.0F, y.row(r)[u]) : 0;
  return y;
}

/// Numbers of units of one vector, of several, of whole ones and not, some off, also all of a vector or of
/// the first or last lanes.
struct Case {
  std::string name;
  int64_t units;
  IsOn on;
};

class UnitsOnTest : public testing::TestWithParam<Case> {
 protected:
  static constexpr int64_t samples = 70;
  void SetUp() override {
    if (!leaving_out_pays(samples)) GTEST_SKIP() << "this processor gains nothing by leaving out units";
    ASSERT_TRUE(on.find(y.view(), 1));
    for (int64_t u = 0; u < units; ++u)
      if (GetParam().on(u)) expected.push_back(static_cast<int32_t>(u));
  }
  int64_t units = GetParam().units;
  Matrix y = rectified(samples, units, GetParam().on);
  UnitsOn on;
  std::vector<int32_t> expected;
};

TEST_P(UnitsOnTest, FindsThoseThatAreOnForSomeSample) {
  EXPECT_EQ(std::vector(on.unit().begin(), on.unit().end()), expected);
  const double share = static_cast<double>(expected.size()) / static_cast<double>(units);
  EXPECT_TRUE(on.find(y.view(), share + 1e-9));
  EXPECT_FALSE(on.find(y.view(), share - 1e-9));
}

TEST_P(UnitsOnTest, ColumnsMoveTogetherAndTheirGradientsBack) {
  const Matrix before = y;
  on.move_together(y.view());
  for (int64_t r = 0; r < samples; ++r)
    for (std::size_t k = 0; k < expected.size(); ++k)
      ASSERT_EQ(y.row(r)[k], before.row(r)[expected[k]]) << r << ", " << k;

  Matrix whole = filled(samples, units, 2), together = filled(samples, units, 3);
  for (int64_t r = 0; r < samples; ++r)
    for (std::size_t k = 0; k < expected.size(); ++k) together.row(r)[k] = whole.row(r)[expected[k]];
  relu_backward(before.view(), whole.view(), {});
  on.relu_backward(y.view(), together.view());
  for (int64_t r = 0; r < samples; ++r)
    for (int64_t u = 0; u < units; ++u) ASSERT_EQ(together.row(r)[u], whole.row(r)[u]) << r << ", " << u;
}

TEST_P(UnitsOnTest, PartsOfMatricesAreTakenAndAdded) {
  const auto count = static_cast<int64_t>(expected.size());
  for (const bool by_row : {false, true})
    for (const bool by_column : {false, true}) {
      SCOPED_TRACE(testing::Message() << by_row << by_column);
      // Without gaps, as parameters stand, and the end of memory behind.
      Matrix from(units, units), sums(units, units);
      for (int64_t k = 0; k < units * units; ++k) {
        from.data()[k] = static_cast<float>(k);
        sums.data()[k] = 0.5F;
      }
      Matrix part;
      take_part(from.view(), by_row ? &on : nullptr, by_column ? &on : nullptr, part);
      ASSERT_EQ(part.rows(), by_row ? count : units);
      ASSERT_EQ(part.cols(), by_column ? count : units);
      Matrix expected_sums = sums;
      for (int64_t r = 0; r < part.rows(); ++r)
        for (int64_t c = 0; c < part.cols(); ++c) {
          const int64_t row = by_row ? expected[static_cast<std::size_t>(r)] : r,
                        column = by_column ? expected[static_cast<std::size_t>(c)] : c;
          ASSERT_EQ(part.row(r)[c], from.row(row)[column]);
          expected_sums.row(row)[column] += part.row(r)[c];
        }
      add_part(part.view(), by_row ? &on : nullptr, by_column ? &on : nullptr, sums.view());
      for (int64_t k = 0; k < units * units; ++k) ASSERT_EQ(sums.data()[k], expected_sums.data()[k]) << k;
    }
}

INSTANTIATE_TEST_SUITE_P(Units, UnitsOnTest,
                         testing::Values(Case{"one", 1, [](int64_t) { return true; }},
                                         Case{"all", 37, [](int64_t) { return true; }},
                                         Case{"one_of_fifty", 50, [](int64_t u) { return u == 49; }},
                                         Case{"whole_vectors", 128, [](int64_t u) { return u % 3 != 0; }},
                                         Case{"no_vector_whole", 100, [](int64_t u) { return u % 7 > 2; }},
                                         Case{"a_vector_off", 70, [](int64_t u) { return u < 16 || u > 31; }},
                                         Case{"more_than_a_block", 300, [](int64_t u) { return u % 5 < 3; }}),
                         [](const auto& one) { return one.param.name; });

TEST(UnitsOn, ANumberThatIsNoneIsOnAndAMinusZeroIsNot) {
  if (!leaving_out_pays(64)) GTEST_SKIP() << "this processor gains nothing by leaving out units";
  Matrix y = rectified(64, 20, [](int64_t) { return false; });
  y.row(63)[3] = std::numeric_limits<float>::quiet_NaN();
  y.row(0)[17] = std::numeric_limits<float>::denorm_min();
  for (int64_t r = 0; r < 64; ++r) y.row(r)[5] = -0.0F;
  UnitsOn on;
  ASSERT_TRUE(on.find(y.view(), 1));
  EXPECT_EQ(std::vector(on.unit().begin(), on.unit().end()), (std::vector<int32_t>{3, 17}));
}

TEST(UnitsOn, IfNoneIsOnAllAreKept) {
  if (!leaving_out_pays(64)) GTEST_SKIP() << "this processor gains nothing by leaving out units";
  const Matrix y = rectified(64, 20, [](int64_t) { return false; });
  EXPECT_FALSE(UnitsOn().find(y.view(), 1));
}

TEST(UnitsOn, TellsWhetherManyZerosAreLeft) {
  if (!leaving_out_pays(64)) GTEST_SKIP() << "this processor gains nothing by leaving out units";
  UnitsOn on;
  Matrix half = rectified(64, 40, [](int64_t u) { return u % 2 == 0; }), full = half;
  for (int64_t r = 0; r < 64; ++r)
    for (int64_t u = 0; u < 40; u += 2) full.row(r)[u] = 1;
  ASSERT_TRUE(on.find(half.view(), 1));
  EXPECT_EQ(on.move_together(half.view()), Zeros::many);
  ASSERT_TRUE(on.find(full.view(), 1));
  EXPECT_EQ(on.move_together(full.view()), Zeros::few);
}

}  // namespace
}  // namespace ncf
