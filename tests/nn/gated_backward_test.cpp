// The way back by tables against plain loops in double precision.
#include "ncf/nn/gated_backward.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "ncf/nn/unit.hpp"

namespace ncf {
namespace {

constexpr float spoilt = 1e30F;  // what stands where no value belongs

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
std::vector<float> filled(int64_t size, double phase) {
  const Matrix m = filled(1, size, phase);
  return {m.row(0), m.row(0) + size};
}

/// Whether a unit is off for all samples.
using IsOff = std::function<bool(int64_t unit)>;
bool on_for_some(int64_t) {
  return false;
}

struct Job {
  int64_t rows, in, units;
  Matrix x = filled(rows, in, 1), y = filled(rows, units, 2), weight = filled(units, in, 3);
  std::vector<float> unit_weight = filled(units, 4), dz = filled(rows, 5);
  Matrix dweight = filled(units, in, 6);
  std::vector<float> dbias = filled(units, 7), dunit_weight = filled(units, 8);

  Job(int64_t r, int64_t i, int64_t u, const IsOff& is_off = on_for_some) : rows(r), in(i), units(u) {
    for (int64_t s = 0; s < rows; ++s)
      for (int64_t j = 0; j < units; ++j) y.row(s)[j] = is_off(j) ? 0 : std::max(0.0F, y.row(s)[j]);
  }
  GatedWeights weights() const { return {weight.view(), unit_weight}; }
  GatedGradients gradients() { return {dweight.view(), dbias, dunit_weight}; }
  double slope(int64_t s, int64_t j) const {
    const auto at = static_cast<std::size_t>(j);
    return y.row(s)[j] > 0
               ? static_cast<double>(dz[static_cast<std::size_t>(s)]) * static_cast<double>(unit_weight[at])
               : 0.0;
  }
};

void check(int64_t rows, int64_t in, int64_t units, const IsOff& is_off = on_for_some) {
  SCOPED_TRACE(testing::Message() << rows << " rows, " << in << " inputs, " << units << " units");
  const Job before(rows, in, units, is_off);
  Job job = before;
  Matrix dx = filled(rows, in, 9);
  std::vector<uint64_t> gates;
  gated_backward(job.weights(), job.x.view(), job.y.view(), job.dz, job.gradients(), dx.view(), gates);
  const double tolerance = 1e-6 * static_cast<double>(rows + units);
  for (int64_t s = 0; s < rows; ++s)
    for (int64_t c = 0; c < in; ++c) {
      double sum = 0;
      for (int64_t j = 0; j < units; ++j)
        sum += before.slope(s, j) * static_cast<double>(before.weight.row(j)[c]);
      ASSERT_NEAR(dx.row(s)[c], sum, tolerance) << s << ", " << c;
    }
  for (int64_t j = 0; j < units; ++j) {
    const auto at = static_cast<std::size_t>(j);
    double bias = static_cast<double>(before.dbias[at]), unit = static_cast<double>(before.dunit_weight[at]);
    for (int64_t s = 0; s < rows; ++s) {
      bias += before.slope(s, j);
      unit += static_cast<double>(before.dz[static_cast<std::size_t>(s)]) *
              static_cast<double>(before.y.row(s)[j]);
    }
    ASSERT_NEAR(job.dbias[at], bias, tolerance) << j;
    ASSERT_NEAR(job.dunit_weight[at], unit, tolerance) << j;
    for (int64_t c = 0; c < in; ++c) {
      double sum = static_cast<double>(before.dweight.row(j)[c]);
      for (int64_t s = 0; s < rows; ++s) sum += before.slope(s, j) * static_cast<double>(before.x.row(s)[c]);
      ASSERT_NEAR(job.dweight.row(j)[c], sum, tolerance) << j << ", " << c;
    }
    // Nothing behind the last column is touched: the next parameter may begin there.
    if (in % 16 != 0) {
      ASSERT_EQ(job.dweight.row(j)[in], spoilt);
    }
  }
}

TEST(GatedBackward, TablesHaveFiveUnitsAndWordsSixtyFour) {
  for (const auto& [units, tables] :
       {std::pair{1, 1}, {5, 1}, {6, 2}, {50, 10}, {64, 13}, {65, 14}, {128, 26}, {130, 27}})
    EXPECT_EQ(gate_tables(units), tables);
}

TEST(GatedBackward, AsPlainLoops) {
  for (const int64_t rows : {0, 1, 5, 64, 257})
    for (const int64_t in : {1, 16, 17, 100})
      for (const int64_t units : {1, 3, 4, 17, 33, 50, 63, 64, 65, 130}) check(rows, in, units);
}

TEST(GatedBackward, AnyNumberOfTables) {
  for (int64_t units = 1; units <= 64; ++units) check(9, 20, units);
}

TEST(GatedBackward, WithUnitsThatAreOffForAllSamples) {
  for (const int64_t in : {17, 100})
    for (const int64_t units : {1, 2, 5, 50, 64, 65, 130}) {
      check(70, in, units, [](int64_t) { return true; });
      check(70, in, units, [](int64_t unit) { return unit % 3 != 1; });
      check(70, in, units, [&](int64_t unit) { return unit != units / 2; });
      check(70, in, units, [&](int64_t unit) { return unit != units - 1; });
      check(70, in, units, [](int64_t unit) { return unit >= 3; });
      check(70, in, units, [](int64_t unit) { return (unit * unit / 7) % 2 == 0; });
    }
}

TEST(GatedBackward, HasTheSameBitsForTheSameSamples) {
  Job job(300, 100, 50), again(300, 100, 50);
  Matrix dx = filled(300, 100, 0), dx2 = filled(300, 100, 9);
  std::vector<uint64_t> gates, room(1000, ~uint64_t{0});
  gated_backward(job.weights(), job.x.view(), job.y.view(), job.dz, job.gradients(), dx.view(), gates);
  gated_backward(again.weights(), again.x.view(), again.y.view(), again.dz, again.gradients(), dx2.view(),
                 room);
  for (int64_t s = 0; s < 300; ++s)
    for (int64_t c = 0; c < 100; ++c) ASSERT_EQ(dx.row(s)[c], dx2.row(s)[c]);
  EXPECT_EQ(job.dbias, again.dbias);
}

}  // namespace
}  // namespace ncf
