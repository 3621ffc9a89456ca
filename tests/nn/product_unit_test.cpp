#include "ncf/nn/product_unit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t rows_a = 5, rows_b = 7, room = 4;  // columns beyond those of the weight
constexpr float garbage = 1e30F;

float drawn(uint64_t what, int64_t k) {
  return static_cast<float>(random_normal(9, Purpose::synthetic, what, static_cast<uint64_t>(k)));
}

Matrix filled(int64_t rows, int64_t cols, uint64_t what) {
  Matrix m(rows, cols);
  for (int64_t k = 0; k < rows * cols; ++k) m.data()[k] = drawn(what, k);
  return m;
}

/// Samples of 4 of the 5 rows of a, and of 6 of the 7 of b.
struct Work {
  Matrix a, b, da{rows_a, 0}, db{rows_b, 0};
  std::vector<float> weight, dz, z, dweight;
  std::vector<int32_t> of_a, of_b;
  std::vector<uint8_t> first_a, first_b;

  Work(int64_t cols, int64_t samples) : a(filled(rows_a, cols, 0)), b(filled(rows_b, cols, 1)) {
    da.reshape(rows_a, cols + room);
    db.reshape(rows_b, cols + room);
    da.fill(garbage);
    db.fill(garbage);
    std::vector<bool> seen_a(rows_a), seen_b(rows_b);
    for (int64_t k = 0; k < samples; ++k) {
      of_a.push_back(static_cast<int32_t>(k * (k + 1) / 2 % (rows_a - 1)));
      of_b.push_back(static_cast<int32_t>(k * 5 % (rows_b - 1)));
      const auto u = static_cast<std::size_t>(of_a.back()), i = static_cast<std::size_t>(of_b.back());
      first_a.push_back(!seen_a[u]);
      first_b.push_back(!seen_b[i]);
      seen_a[u] = seen_b[i] = true;
      dz.push_back(drawn(2, k));
      z.push_back(drawn(3, k));
    }
    for (int64_t c = 0; c < cols; ++c) {
      weight.push_back(drawn(4, c));
      dweight.push_back(drawn(5, c));
    }
  }
};

class ProductUnit : public testing::TestWithParam<int64_t> {};

TEST_P(ProductUnit, ForwardAddsTheWeighedProduct) {
  for (const int64_t samples : {0, 1, 23}) {
    Work w(GetParam(), samples);
    const std::vector<float> before = w.z;
    product_unit_forward(w.a.view(), w.b.view(), w.of_a, w.of_b, w.weight, w.z);
    for (std::size_t r = 0; r < w.z.size(); ++r) {
      double expected = static_cast<double>(before[r]);
      for (int64_t c = 0; c < GetParam(); ++c)
        expected += static_cast<double>(w.weight[static_cast<std::size_t>(c)]) *
                    static_cast<double>(w.a.view()(w.of_a[r], c)) *
                    static_cast<double>(w.b.view()(w.of_b[r], c));
      EXPECT_NEAR(w.z[r], expected, 1e-4) << r;
    }
  }
}

TEST_P(ProductUnit, BackwardIsItsAdjointRowByRow) {
  const int64_t cols = GetParam();
  Work w(cols, 23);
  std::vector<double> dweight(w.dweight.begin(), w.dweight.end());
  std::vector<std::vector<double>> da(rows_a, std::vector<double>(static_cast<std::size_t>(cols))),
      db(rows_b, std::vector<double>(static_cast<std::size_t>(cols)));
  for (std::size_t r = 0; r < w.dz.size(); ++r)
    for (int64_t c = 0; c < cols; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const double dz = static_cast<double>(w.dz[r]), weight = static_cast<double>(w.weight[at]),
                   p = static_cast<double>(w.a.view()(w.of_a[r], c)),
                   q = static_cast<double>(w.b.view()(w.of_b[r], c));
      dweight[at] += dz * p * q;
      da[static_cast<std::size_t>(w.of_a[r])][at] += dz * weight * q;
      db[static_cast<std::size_t>(w.of_b[r])][at] += dz * weight * p;
    }
  product_unit_backward(w.a.view(), w.b.view(), w.of_a, w.of_b, w.weight, w.dz, w.dweight,
                        {w.of_a, w.first_a}, {w.of_b, w.first_b}, w.da.view(), w.db.view());
  for (int64_t c = 0; c < cols; ++c) {
    const auto at = static_cast<std::size_t>(c);
    EXPECT_NEAR(w.dweight[at], dweight[at], 1e-4);
    for (int64_t u = 0; u + 1 < rows_a; ++u)
      EXPECT_NEAR(w.da.view()(u, c), da[static_cast<std::size_t>(u)][at], 1e-4) << u << ' ' << c;
    for (int64_t i = 0; i + 1 < rows_b; ++i)
      EXPECT_NEAR(w.db.view()(i, c), db[static_cast<std::size_t>(i)][at], 1e-4) << i << ' ' << c;
  }
  for (int64_t c = 0; c < room; ++c) EXPECT_EQ(w.da.view()(0, cols + c), 0) << "beyond the weight's columns";
  EXPECT_EQ(w.da.view()(rows_a - 1, 0), garbage) << "no sample adds to it";
}

TEST(ProductUnit, WhatIsNoNumberShows) {
  Work w(8, 4);
  w.a.view()(w.of_a[2], 3) = std::nanf("");
  product_unit_forward(w.a.view(), w.b.view(), w.of_a, w.of_b, w.weight, w.z);
  EXPECT_TRUE(std::isnan(w.z[2]));
}

INSTANTIATE_TEST_SUITE_P(Columns, ProductUnit, testing::Values(1, 8, 16, 17, 64),
                         [](const auto& one) { return std::to_string(one.param); });

}  // namespace
}  // namespace ncf
