// Products of all shapes and ways, the larger ones in AMX's tiles where the processor has them, against sums
// in double precision.
#include "ncf/nn/gemm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "ncf/util/bfloat16.hpp"

namespace ncf {
namespace {

/// Numbers of very different size and both signs, in rows that begin on cache lines.
Matrix mixed(int64_t rows, int64_t cols, double phase) {
  Matrix m;
  m.reshape_aligned(rows, cols);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) {
      const double at = phase + 1.7 * static_cast<double>(r * cols + c);
      m.row(r)[c] = static_cast<float>(std::sin(at) * std::exp2(6 * std::sin(3.1 * at)));
    }
  return m;
}

Matrix transposed(const Matrix& m) {
  Matrix out;
  out.reshape_aligned(m.cols(), m.rows());
  for (int64_t r = 0; r < m.rows(); ++r)
    for (int64_t c = 0; c < m.cols(); ++c) out.row(c)[r] = m.row(r)[c];
  return out;
}

/// a·b and Σ |a||b| in double precision.
struct Exact {
  double sum = 0, size = 0;
  Exact(const Matrix& a, const Matrix& b, int64_t i, int64_t j) {
    for (int64_t l = 0; l < b.rows(); ++l) {
      const double product = static_cast<double>(a.row(i)[l]) * static_cast<double>(b.row(l)[j]);
      sum += product;
      size += std::abs(product);
    }
  }
};

/// Root of the mean square of the errors, as parts of the sizes of the products.
double error_of(const Matrix& c, const Matrix& a, const Matrix& b) {
  double squares = 0;
  for (int64_t i = 0; i < c.rows(); ++i)
    for (int64_t j = 0; j < c.cols(); ++j) {
      const Exact exact(a, b, i, j);
      squares += std::pow((static_cast<double>(c.row(i)[j]) - exact.sum) / exact.size, 2);
    }
  return std::sqrt(squares / static_cast<double>(c.rows() * c.cols()));
}

struct Shape {
  int64_t m, n, k;
};

TEST(Multiplier, HeedsTheLimitOfOneDnn) {
  const char* limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (limit == nullptr) GTEST_SKIP() << "ONEDNN_MAX_CPU_ISA is not set";
  EXPECT_STREQ(limit, "AVX2");
  EXPECT_EQ(multiplier(), Multiplier::onednn);
  EXPECT_FALSE(has_bf16());
}

TEST(GemmInTiles, IsAsExactAsInVectors) {
  if (multiplier() != Multiplier::tiles) GTEST_SKIP() << "no products in tiles here";
  // Of the models in the benchmarks, and sizes that fill no tile.
  for (const auto [m, n, k] : {Shape{512, 50, 100},
                               {512, 128, 256},
                               {100, 101, 512},
                               {300, 100, 74},
                               {130, 90, 90},
                               {97, 17, 33},
                               {96, 1, 1}}) {
    const Matrix a = mixed(m, k, 1), b = mixed(k, n, 2), at = transposed(a), bt = transposed(b);
    Matrix tiles(m, n), sums(m, n), vectors(m, n);
    gemm(a.view(), Op::none, b.view(), Op::none, tiles.view());
    gemm(at.view(), Op::transpose, b.view(), Op::none, sums.view());
    gemm(a.view(), Op::none, bt.view(), Op::transpose, vectors.view());  // never in tiles
    const double limit = std::max(error_of(vectors, a, b), 0x1p-25);
    EXPECT_LE(error_of(tiles, a, b), limit) << m << ' ' << n << ' ' << k;
    EXPECT_LE(error_of(sums, a, b), limit) << m << ' ' << n << ' ' << k;
  }
}

/// A product of these shapes into part of a matrix, against sums in double precision.
void expect_product(int64_t m, int64_t n, int64_t k, Op op_a, Op op_b, float beta, Precision precision) {
  SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k
                                  << (op_a == Op::none ? "" : ", a transposed")
                                  << (op_b == Op::none ? "" : ", b transposed") << ", beta " << beta
                                  << (precision == Precision::bf16 ? ", bf16" : ""));
  const Matrix a = mixed(m, k, 1), b = mixed(k, n, 2), at = transposed(a), bt = transposed(b);
  Matrix wide(m, n + 5);
  wide.fill(0.5F);
  gemm(op_a == Op::none ? a.view() : at.view(), op_a, op_b == Op::none ? b.view() : bt.view(), op_b,
       wide.view().cols_from(3, n), beta, precision);
  const double before = beta * 0.5, rounding = precision == Precision::fp32 ? 0x1p-20 : 0x1p-7;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n + 5; ++j) {
      if (j < 3 || j >= n + 3) {
        ASSERT_EQ(wide.row(i)[j], 0.5F) << "not a result";
        continue;
      }
      const Exact exact(a, b, i, j - 3);
      ASSERT_NEAR(wide.row(i)[j], exact.sum + before, rounding * (exact.size + before)) << i << ' ' << j;
    }
}

TEST(Gemm, WritesOrAddsToPartOfAMatrixAndLeavesTheRest) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !has_bf16()) continue;
    for (const int64_t m : {1, 2, 7, 13, 25, 64, 97, 130})
      for (const int64_t k : {1, 5, 16, 21, 27, 31, 64, 70, 91, 129})
        for (const int64_t n : {1, 16, 33, 50, 70, 100, 147})
          for (const Op op_a : {Op::none, Op::transpose})
            for (const Op op_b : {Op::none, Op::transpose}) {
              expect_product(m, n, k, op_a, op_b, static_cast<float>((m + k + n) % 2), precision);
              if (HasFatalFailure()) return;
            }
  }
}

TEST(Gemm, OfSumsLongerThanArePackedAtOnce) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !has_bf16()) continue;
    for (const int64_t k : {256, 257, 511, 513, 1200})
      for (const Op op_a : {Op::none, Op::transpose})
        for (const Op op_b : {Op::none, Op::transpose})
          for (const float beta : {0.0F, 1.0F}) expect_product(40, 50, k, op_a, op_b, beta, precision);
  }
}

TEST(Gemm, OfMoreResultsThanTheCachesHold) {
  constexpr int64_t m = 4099, n = 130, k = 150;
  const Matrix a = mixed(m, k, 1), b = mixed(k, n, 2);
  Matrix c(m, n), few(100, n);
  gemm(a.view(), Op::none, b.view(), Op::none, c.view());
  for (int64_t i = 0; i < m; i += 31)
    for (int64_t j = 0; j < n; ++j) {
      const Exact exact(a, b, i, j);
      ASSERT_NEAR(c.row(i)[j], exact.sum, 0x1p-20 * exact.size) << i << ' ' << j;
    }
  if (multiplier() == Multiplier::onednn) return;
  gemm(a.view().rows_from(3999, 100), Op::none, b.view(), Op::none, few.view());
  for (int64_t i = 0; i < 100; ++i)
    for (int64_t j = 0; j < n; ++j) ASSERT_EQ(few.row(i)[j], c.row(3999 + i)[j]);
}

TEST(Gemm, WhatIsNotFiniteShowsInItsRowAlone) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Matrix a = mixed(80, 80, 1), c(80, 80);
    const Matrix b = mixed(80, 80, 2);
    a.row(3)[4] = bad;
    gemm(a.view(), Op::none, b.view(), Op::none, c.view());
    for (int64_t i = 0; i < 80; ++i)
      for (int64_t j = 0; j < 80; ++j) ASSERT_EQ(std::isfinite(c.row(i)[j]), i != 3);
  }
}

/// Of `m` about this share of the numbers, in places that follow no pattern; the others are 0.
Matrix gated(Matrix m, double share) {
  for (int64_t r = 0; r < m.rows(); ++r)
    for (int64_t c = 0; c < m.cols(); ++c) {
      const double at =
          std::sin(12.9898 * static_cast<double>(r) + 78.233 * static_cast<double>(c)) * 43758.5453;
      if (at - std::floor(at) >= share) m.row(r)[c] = c % 3 == 0 ? -0.0F : 0.0F;
    }
  return m;
}

/// Rows [51, 51 + count) of 200 have the bits that they have among all. With zeros, of which those rows have
/// another share.
void expect_independent(int64_t count, int64_t n, int64_t k, Op op_b, Precision precision, Zeros zeros) {
  SCOPED_TRACE(testing::Message() << count << " rows, " << n << " columns, sums of " << k);
  Matrix a = mixed(200, k, 1);
  if (zeros == Zeros::many) {
    a = gated(std::move(a), 0.6);
    for (int64_t r = 51; r < 51 + count; ++r)
      for (int64_t c = 0; c < k; c += 2) a.row(r)[c] = 1;
  }
  const Matrix b = op_b == Op::none ? mixed(k, n, 2) : mixed(n, k, 2);
  Matrix all(200, n), some(count, n);
  gemm(a.view(), Op::none, b.view(), op_b, all.view(), 0, precision, zeros);
  gemm(a.view().rows_from(51, count), Op::none, b.view(), op_b, some.view(), 0, precision, zeros);
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < n; ++c) ASSERT_EQ(some.row(r)[c], all.row(51 + r)[c]);
}

TEST(Gemm, ARowsProductDoesNotDependOnTheRowsAroundIt) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !has_bf16()) continue;
    for (const Op op_b : {Op::none, Op::transpose}) {
      // In tiles it holds as long as all products are made in them.
      const bool any_count = rows_are_independent(op_b);
      if (!any_count && multiplier() != Multiplier::tiles) continue;
      for (const int64_t count : {1, 5, 16, 97}) {
        if (!any_count && count < 97) continue;
        // The last columns fill most of a vector, or a quarter; sums longer than are packed at once, too.
        for (const int64_t n : {3, 16, 50, 90, 100})
          for (const int64_t k : {1, 75, 600})
            for (const Zeros zeros : {Zeros::few, Zeros::many})
              expect_independent(count, n, k, op_b, precision, zeros);
      }
    }
  }
}

/// Every number rounded to bfloat16, of which products are exact.
Matrix rounded(Matrix m) {
  std::vector<uint16_t> halves(static_cast<std::size_t>(m.cols()));
  for (int64_t r = 0; r < m.rows(); ++r) {
    to_bfloat16(m.row(r), m.cols(), halves.data());
    from_bfloat16(halves.data(), m.cols(), m.row(r));
  }
  return m;
}

/// Of the shape m × n × k the same, whether zeros of the left operand are skipped or not: the same bits where
/// the terms of sums are added in the same order, which those of bfloat16 numbers and oneDNN's are not.
void expect_same_without_zeros(int64_t m, int64_t n, int64_t k, double share, Op op_a, Op op_b, float beta,
                               Precision precision) {
  SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k << ", left " << share
                                  << (op_a == Op::none ? "" : ", a transposed")
                                  << (op_b == Op::none ? "" : ", b transposed") << ", beta " << beta
                                  << (precision == Precision::bf16 ? ", bf16" : ""));
  Matrix a = gated(op_a == Op::none ? mixed(m, k, 1) : mixed(k, m, 1), share);
  Matrix b = op_b == Op::none ? mixed(k, n, 2) : mixed(n, k, 2);
  if (precision == Precision::bf16) a = rounded(std::move(a)), b = rounded(std::move(b));
  for (int64_t r = 0; r < b.rows(); ++r)  // what stands behind a row is nobody's
    std::fill(b.row(r) + b.cols(), b.row(r) + b.view().stride, std::numeric_limits<float>::quiet_NaN());
  Matrix all(m, n + 2), skipping(m, n + 2);
  all.fill(0.5F);
  skipping.fill(0.5F);
  gemm(a.view(), op_a, b.view(), op_b, all.view().cols_from(1, n), beta, precision, Zeros::few);
  gemm(a.view(), op_a, b.view(), op_b, skipping.view().cols_from(1, n), beta, precision, Zeros::many);
  const Matrix left = op_a == Op::none ? a : transposed(a), right = op_b == Op::none ? b : transposed(b);
  const bool same_order = multiplier() != Multiplier::onednn && precision == Precision::fp32;
  // Roundings of a sum's steps, each up to 2^-24 of it, walk at random.
  const double rounding = 0x1p-24 * (4 + 2 * std::sqrt(static_cast<double>(k)));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n + 2; ++j) {
      if (same_order || j == 0 || j == n + 1) {
        ASSERT_EQ(skipping.row(i)[j], all.row(i)[j]) << i << ' ' << j;
        continue;
      }
      const Exact exact(left, right, i, j - 1);
      const double before = beta * 0.5;
      ASSERT_NEAR(skipping.row(i)[j], exact.sum + before, rounding * (exact.size + before)) << i << ' ' << j;
    }
}

TEST(GemmWithoutZeros, IsTheSame) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !has_bf16()) continue;
    for (const double share : {0.0, 0.05, 0.3, 0.5, 1.0})
      for (const auto [m, n, k] : {Shape{1, 50, 129},
                                   {15, 100, 63},
                                   {40, 5, 64},
                                   {50, 150, 33},
                                   {97, 128, 130},  // two whole panels
                                   {36, 50, 600},   // sums longer than are packed at once
                                   {400, 20, 40}})  // more rows than are
        for (const Op op_a : {Op::none, Op::transpose})
          for (const Op op_b : {Op::none, Op::transpose}) {
            expect_same_without_zeros(m, n, k, share, op_a, op_b, static_cast<float>((m + n) % 2), precision);
            if (HasFatalFailure()) return;
          }
  }
}

TEST(GemmWithoutZeros, SkipsThem) {
  // What only zeros are multiplied with is not looked at: so it can be seen that they are skipped.
  if (!skips_zeros()) GTEST_SKIP() << "no zeros are skipped here";
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !has_bf16()) continue;
    for (const Op op_a : {Op::none, Op::transpose}) {
      Matrix a = gated(mixed(100, 100, 1), 0.3), b = mixed(100, 128, 2), c(100, 128);
      for (int64_t i = 0; i < 100; ++i)
        for (const int64_t l : {40, 41}) (op_a == Op::none ? a.row(i)[l] : a.row(l)[i]) = 0;
      b.row(40)[5] = std::numeric_limits<float>::infinity();
      gemm(a.view(), op_a, b.view(), Op::none, c.view(), 0, precision, Zeros::many);
      for (int64_t i = 0; i < 100; ++i)
        for (int64_t j = 0; j < 128; ++j) ASSERT_TRUE(std::isfinite(c.row(i)[j])) << i << ' ' << j;
    }
  }
}

TEST(GemmWithoutZeros, TakesANaNForNoZero) {
  Matrix a = gated(mixed(80, 80, 1), 0.2), c(80, 80);
  const Matrix b = mixed(80, 80, 2);
  a.row(3)[4] = std::numeric_limits<float>::quiet_NaN();
  gemm(a.view(), Op::none, b.view(), Op::none, c.view(), 0, Precision::fp32, Zeros::many);
  for (int64_t i = 0; i < 80; ++i)
    for (int64_t j = 0; j < 80; ++j) ASSERT_EQ(std::isnan(c.row(i)[j]), i == 3);
}

}  // namespace
}  // namespace ncf
