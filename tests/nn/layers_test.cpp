// Float layers against plain loops in double precision, at sizes that are no multiple of anything.
#include "ncf/nn/layers.hpp"
#include "ncf/nn/sum_relu.hpp"
#include "ncf/nn/unit.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "ncf/nn/gemm.hpp"

namespace ncf {
namespace {

Matrix filled(int64_t rows, int64_t cols, double phase) {
  Matrix m(rows, cols);
  for (std::size_t i = 0; i < m.values().size(); ++i)
    m.values()[i] = static_cast<float>(std::sin(phase + 1.7 * static_cast<double>(i)));
  return m;
}

TEST(Gemm, AllFourOrientationsAndAccumulation) {
  for (int64_t m : {1, 7, 64})
    for (int64_t n : {1, 5, 50})
      for (int64_t k : {1, 3, 101})
        for (bool ta : {false, true})
          for (bool tb : {false, true}) {
            const Matrix a = ta ? filled(k, m, 1) : filled(m, k, 1),
                         b = tb ? filled(n, k, 2) : filled(k, n, 2);
            Matrix c = filled(m, n, 3);
            const Matrix before = c;
            gemm(a.view(), ta ? Op::transpose : Op::none, b.view(), tb ? Op::transpose : Op::none, c.view(),
                 1);
            for (int64_t i = 0; i < m; ++i)
              for (int64_t j = 0; j < n; ++j) {
                double sum = static_cast<double>(before.row(i)[j]);
                for (int64_t l = 0; l < k; ++l)
                  sum += static_cast<double>(ta ? a.row(l)[i] : a.row(i)[l]) *
                         static_cast<double>(tb ? b.row(j)[l] : b.row(l)[j]);
                ASSERT_NEAR(c.row(i)[j], sum, 1e-4);
              }
          }
}

/// A float with the eight bits of mantissa that bfloat16 has, to nearest.
double rounded_to_bf16(float x) {
  int exponent = 0;
  const double mantissa = std::frexp(static_cast<double>(x), &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
}

TEST(Gemm, InBf16RoundsTheOperandsAndNothingElse) {
  if (!has_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  // Sizes around those to which rows are rounded up; c as a part of a wider matrix too.
  for (const int64_t m : {1, 16, 17, 100, 300})
    for (const int64_t k : {3, 64, 101})
      for (const bool ta : {false, true})
        for (const bool tb : {false, true})
          for (const float beta : {0.0F, 1.0F}) {
            constexpr int64_t n = 21;
            const Matrix a = ta ? filled(k, m, 1) : filled(m, k, 1),
                         b = tb ? filled(n, k, 2) : filled(k, n, 2);
            Matrix wide = filled(m, n + 4, 3);
            const Matrix before = wide;
            gemm(a.view(), ta ? Op::transpose : Op::none, b.view(), tb ? Op::transpose : Op::none,
                 wide.view().cols_from(2, n), beta, Precision::bf16);
            for (int64_t i = 0; i < m; ++i)
              for (int64_t j = 0; j < n + 4; ++j) {
                double sum = static_cast<double>(before.row(i)[j]);
                if (j >= 2 && j < n + 2) {
                  if (beta == 0) sum = 0;
                  for (int64_t l = 0; l < k; ++l)
                    sum += rounded_to_bf16(ta ? a.row(l)[i] : a.row(i)[l]) *
                           rounded_to_bf16(tb ? b.row(j - 2)[l] : b.row(l)[j - 2]);
                }
                ASSERT_NEAR(wide.row(i)[j], sum, 1e-4) << m << ' ' << k << ' ' << ta << tb << beta;
              }
          }
}

TEST(Gemm, InBf16ANaNStaysOne) {
  if (!has_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  Matrix a = filled(20, 20, 1), b = filled(20, 20, 2), c(20, 20);
  a.row(3)[4] = std::bit_cast<float>(0x7fffffffU);  // all bits of the mantissa: rounding up would make it -0
  gemm(a.view(), Op::none, b.view(), Op::none, c.view(), 0, Precision::bf16);
  for (int64_t j = 0; j < 20; ++j) EXPECT_TRUE(std::isnan(c.row(3)[j]));
  EXPECT_FALSE(std::isnan(c.row(4)[0]));
}

TEST(Gemm, AnEmptyInnerDimensionGivesZeros) {
  Matrix a(3, 0), b(0, 4), c = filled(3, 4, 1);
  gemm(a.view(), Op::none, b.view(), Op::none, c.view());
  for (float v : c.values()) EXPECT_EQ(v, 0);
}

TEST(Linear, ForwardAndBackward) {
  const Matrix x = filled(13, 9, 1), w = filled(6, 9, 2);
  const std::vector<float> bias = {0.1F, -0.2F, 0.3F, 0, 0.5F, -1};
  Matrix y(13, 6);
  linear_forward(x.view(), {w.view()}, y.view());
  add_bias_relu(bias, y.view());
  for (int64_t r = 0; r < 13; ++r)
    for (int64_t o = 0; o < 6; ++o) {
      double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]);
      for (int64_t i = 0; i < 9; ++i)
        sum += static_cast<double>(x.row(r)[i]) * static_cast<double>(w.row(o)[i]);
      EXPECT_NEAR(y.row(r)[o], std::max(0.0, sum), 1e-5);
    }
  Matrix wt, yt(13, 6);
  transpose(w.view(), wt);
  ASSERT_EQ(wt.rows(), 9);
  linear_forward(x.view(), {wt.view(), true}, yt.view());
  add_bias_relu(bias, yt.view());
  for (int64_t r = 0; r < 13; ++r)
    for (int64_t o = 0; o < 6; ++o) EXPECT_NEAR(yt.row(r)[o], y.row(r)[o], 1e-5);
  // Some inputs only: the columns of the weight that belong to them.
  const ForwardWeight part = ForwardWeight{w.view()}.inputs(2, 3),
                      part_t = ForwardWeight{wt.view(), true}.inputs(2, 3);
  for (int64_t o = 0; o < 6; ++o)
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(part.matrix(o, i), part_t.matrix(i, o));
  const Matrix dy = filled(13, 6, 4);
  Matrix dw(6, 9), dx(13, 9);
  dw.fill(1);  // gradients are added to what is there
  linear_backward(x.view(), w.view(), dy.view(), dw.view(), dx.view());
  for (int64_t o = 0; o < 6; ++o) {
    for (int64_t i = 0; i < 9; ++i) {
      double sum = 1;
      for (int64_t r = 0; r < 13; ++r)
        sum += static_cast<double>(dy.row(r)[o]) * static_cast<double>(x.row(r)[i]);
      EXPECT_NEAR(dw.row(o)[i], sum, 1e-5);
    }
  }
  for (int64_t r = 0; r < 13; ++r)
    for (int64_t i = 0; i < 9; ++i) {
      double sum = 0;
      for (int64_t o = 0; o < 6; ++o)
        sum += static_cast<double>(dy.row(r)[o]) * static_cast<double>(w.row(o)[i]);
      EXPECT_NEAR(dx.row(r)[i], sum, 1e-5);
    }
}

TEST(BatchNorm, BackwardIsTheSlopeOfForward) {
  // L = Σ c·BN(x): finite differences through the float forward, whose inner sums are double.
  const Matrix x = filled(11, 3, 1), c = filled(11, 3, 5);
  const std::vector<float> weight = {1.5F, -0.7F, 1}, bias = {0.1F, 0, -0.3F};
  std::vector<float> mean(3), var(3, 1.0F);
  Matrix dweight(2, 3), dbias(2, 3);
  dweight.fill(0);
  dbias.fill(0);
  const int64_t bounds[] = {0, 4, 11};  // two granules
  const GlobalSum alone = [](std::span<const double> parts, std::span<double> total) {
    for (std::size_t k = 0; k < parts.size(); ++k) total[k % total.size()] += parts[k];
  };
  const auto loss = [&](const Matrix& at) {
    Matrix y = at;
    std::vector<float> m(3), v(3, 1.0F);
    BatchNorm bn;
    bn.forward(y.view(), bounds, weight, bias, m, v, alone);
    double sum = 0;
    for (std::size_t i = 0; i < y.values().size(); ++i)
      sum += static_cast<double>(c.values()[i]) * static_cast<double>(y.values()[i]);
    return sum;
  };
  BatchNorm bn;
  Matrix y = x, dx = c;
  bn.forward(y.view(), bounds, weight, bias, mean, var, alone);
  bn.backward(dx.view(), bounds, weight, dweight.view(), dbias.view(), alone);
  for (std::size_t i = 0; i < x.values().size(); ++i) {
    Matrix up = x, down = x;
    up.values()[i] += 1e-2F;
    down.values()[i] -= 1e-2F;
    EXPECT_NEAR(dx.values()[i], (loss(up) - loss(down)) / 2e-2, 2e-3);
  }
  // Running statistics move a tenth of the way, to the unbiased variance.
  for (std::size_t k = 0; k < 3; ++k) {
    double m = 0, v = 0;
    for (int64_t r = 0; r < 11; ++r) m += static_cast<double>(x.row(r)[k]) / 11;
    for (int64_t r = 0; r < 11; ++r) v += std::pow(static_cast<double>(x.row(r)[k]) - m, 2) / 10;
    EXPECT_NEAR(mean[k], 0.1 * m, 1e-6);
    EXPECT_NEAR(var[k], 0.9 + 0.1 * v, 1e-6);
  }
}

TEST(Dropout, MaskDependsOnPositionAndKeepsTheMean) {
  Matrix whole(1000, 10), part(400, 10);
  whole.fill(1);
  part.fill(1);
  dropout(whole.view(), 0.3, 1, 2, 0);
  dropout(part.view(), 0.3, 1, 2, 600);  // the last rows of the same batch, on another rank
  double sum = 0;
  for (float v : whole.values()) sum += static_cast<double>(v);
  EXPECT_NEAR(sum / 10000, 1, 0.03);
  for (int64_t r = 0; r < 400; ++r)
    for (int64_t c = 0; c < 10; ++c) ASSERT_EQ(part.row(r)[c], whole.row(600 + r)[c]);
}

TEST(Transpose, OfAnyShape) {
  for (int64_t rows : {1, 15, 16, 17, 50, 100})
    for (int64_t cols : {1, 16, 31, 74, 128}) {
      const Matrix from = filled(rows, cols, 1);
      Matrix to;
      transpose(from.view(), to);
      ASSERT_EQ(to.rows(), cols);
      ASSERT_EQ(to.cols(), rows);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(to.row(c)[r], from.row(r)[c]) << rows << ' ' << cols;
    }
}

Matrix aligned(const Matrix& from) {
  Matrix out;
  out.reshape_aligned(from.rows(), from.cols());
  for (int64_t r = 0; r < from.rows(); ++r) std::copy_n(from.row(r), from.cols(), out.row(r));
  return out;
}

/// Rows that begin on cache lines go another way than rows without gaps; both must do the same, and nothing
/// between the rows may leak into them.
TEST(SumRelu, InVectorsAsPlainly) {
  for (int64_t cols : {1, 15, 16, 17, 32, 50, 64, 100, 112, 128, 200, 300}) {
    const std::vector<int32_t> of_a = {2, 2, 0, 0, 0, 1, 2}, of_b = {4, 1, 1, 0, 3, 3, 4};
    // Row 2 of a and row 1 of b have sums already; what stands in the others is of no meaning.
    const std::vector<uint8_t> first_a = {0, 0, 1, 0, 0, 1, 0}, first_b = {1, 0, 0, 1, 1, 0, 0};
    const Matrix a = filled(3, cols, 1), b = filled(5, cols, 2), dy = filled(7, cols, 3);
    Matrix y = filled(7, cols, 9), da = filled(3, cols, 4), db = filled(5, cols, 5);
    for (const int64_t r : {0, 1}) std::fill_n(da.row(r), cols, std::numeric_limits<float>::quiet_NaN());
    for (const int64_t r : {0, 3, 4}) std::fill_n(db.row(r), cols, std::numeric_limits<float>::infinity());
    Matrix a2 = aligned(a), b2 = aligned(b), dy2 = aligned(dy), y2 = aligned(y), da2 = aligned(da),
           db2 = aligned(db);
    sum_relu_forward(a.view(), b.view(), of_a, of_b, y.view());
    sum_relu_forward(a2.view(), b2.view(), of_a, of_b, y2.view());
    for (int64_t r = 0; r < 7; ++r)
      for (int64_t c = 0; c < cols; ++c) {
        const float sum =
            a.row(of_a[static_cast<std::size_t>(r)])[c] + b.row(of_b[static_cast<std::size_t>(r)])[c];
        ASSERT_EQ(y.row(r)[c], sum > 0 ? sum : 0) << cols;
        ASSERT_EQ(y2.row(r)[c], y.row(r)[c]) << cols;
      }
    for (int64_t r = 0; r < 7; ++r)
      for (int64_t c = cols; c % 16 != 0; ++c)
        y2.row(r)[c] = dy2.row(r)[c] = std::numeric_limits<float>::quiet_NaN();
    const Matrix before = aligned(da);
    sum_relu_backward(y.view(), dy.view(), {of_a, first_a}, {of_b, first_b}, da.view(), db.view());
    sum_relu_backward(y2.view(), dy2.view(), {of_a, first_a}, {of_b, first_b}, da2.view(), db2.view());
    for (int64_t r = 0; r < 3; ++r)
      for (int64_t c = 0; c < (cols + 15) / 16 * 16; ++c)
        ASSERT_EQ(da2.row(r)[c], c < cols ? da.row(r)[c] : r == 2 ? before.row(r)[c] : 0) << cols;
    for (int64_t r = 0; r < 5; ++r)
      for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(db2.row(r)[c], db.row(r)[c]) << cols;
    const auto sum_of = [&](float before_them, const std::vector<int64_t>& terms) {
      for (const int64_t r : terms) before_them += y.row(r)[0] > 0 ? dy.row(r)[0] : 0;
      return before_them;
    };
    EXPECT_NEAR(da.row(2)[0], sum_of(filled(3, cols, 4).row(2)[0], {0, 1, 6}), 1e-6);
    EXPECT_NEAR(da.row(0)[0], sum_of(0, {2, 3, 4}), 1e-6);
    EXPECT_NEAR(db.row(1)[0], sum_of(filled(5, cols, 5).row(1)[0], {1, 2}), 1e-6);
    EXPECT_NEAR(db.row(4)[0], sum_of(0, {0, 6}), 1e-6);
  }
}

TEST(Unit, ForwardWithTheReluBelowAtOnce) {
  for (const int64_t rows : {0, 1, 15, 16, 17, 40})
    for (const int64_t cols : {1, 16, 21, 50, 64, 130}) {
      const Matrix before = filled(rows, cols, 1), weight = filled(1, cols, 2), bias = filled(1, cols, 3);
      // Rows without gaps go another way than those that begin on cache lines; what stands in a gap does not
      // matter.
      Matrix spoilt = aligned(before);
      for (int64_t r = 0; r < rows; ++r)
        std::fill(spoilt.row(r) + cols, spoilt.row(r) + spoilt.view().stride, std::nanf(""));
      for (Matrix y : {before, spoilt}) {
        std::vector<float> z(static_cast<std::size_t>(rows) + 1, 7.0F);
        relu_unit_forward(y.view(), bias.values(), weight.values(), 0.5F,
                          std::span(z).first(static_cast<std::size_t>(rows)));
        for (int64_t r = 0; r < rows; ++r) {
          double sum = 0.5;
          for (int64_t c = 0; c < cols; ++c) {
            const float v = std::max(0.0F, before.row(r)[c] + bias.row(0)[c]);
            ASSERT_EQ(y.row(r)[c], v);
            sum += static_cast<double>(v) * static_cast<double>(weight.row(0)[c]);
          }
          ASSERT_NEAR(z[static_cast<std::size_t>(r)], sum, 2e-5) << rows << " × " << cols;
        }
        EXPECT_EQ(z.back(), 7.0F);
      }
    }
}

TEST(Unit, ASampleDoesNotDependOnItsNeighbours) {
  const Matrix before = aligned(filled(40, 50, 1)), weight = filled(1, 50, 2), bias = filled(1, 50, 3);
  Matrix all = before, some = before;
  std::vector<float> z(40), z_of_some(40);
  relu_unit_forward(all.view(), bias.values(), weight.values(), 0.5F, z);
  for (int64_t first = 0, count = 1; first < 40; first += count, ++count) {
    count = std::min(count, 40 - first);
    relu_unit_forward(some.view().rows_from(first, count), bias.values(), weight.values(), 0.5F,
                      std::span(z_of_some).subspan(static_cast<std::size_t>(first)));
  }
  EXPECT_EQ(z, z_of_some);
}

TEST(Unit, BackwardThroughTheReluBelowAtOnce) {
  const std::vector<float> dz = {1, -2, 0, 0.5F, 3, -1, 0.25F, 2, 1};
  for (int64_t cols : {1, 16, 21, 50, 64, 100, 130}) {
    const auto n = static_cast<std::size_t>(cols);
    Matrix y = filled(9, cols, 1), dy(9, cols), plain(9, cols);
    for (float& v : y.values()) v = std::max(0.0F, v);
    const Matrix weight = filled(1, cols, 2);
    std::vector<float> dw(n, 0.5F), below(n, 1.0F);
    float db = 3;
    unit_backward(y.view(), weight.values(), dz, dw, db, dy.view());
    relu_backward(y.view(), dy.view(), below);
    // Rows without gaps go another way than those that begin on cache lines.
    for (Matrix values : {y, aligned(y)}) {
      Matrix fused = aligned(plain);
      if (values.view().stride == cols) fused.reshape(9, cols);
      std::vector<float> dw2(n, 0.5F), below2(n, 1.0F);
      float db2 = 3;
      unit_relu_backward(values.view(), weight.values(), dz, dw2, db2, fused.view(), below2);
      EXPECT_EQ(db, db2);
      for (std::size_t c = 0; c < n; ++c) {
        float sum = 1;
        for (int64_t r = 0; r < 9; ++r) {
          const float d = y.row(r)[c] > 0 ? dz[static_cast<std::size_t>(r)] * weight.row(0)[c] : 0;
          ASSERT_EQ(dy.row(r)[c], d) << cols;
          ASSERT_EQ(fused.row(r)[c], d) << cols;
          sum += d;
        }
        EXPECT_NEAR(dw[c], dw2[c], 1e-5) << cols;
        EXPECT_NEAR(below2[c], sum, 1e-5) << cols;
        EXPECT_NEAR(below[c], sum, 1e-5) << cols;
      }
    }
  }
}

TEST(Relu, KeepsANaN) {
  // Else an embedding that is not finite would be a 0 to all that follows.
  const float nan = std::nanf("");
  const std::vector<float> bias(20, 0.5F), weight(20, 1.0F);
  const std::vector<int32_t> first_row = {0};
  for (const bool in_lanes : {false, true}) {
    Matrix bad = filled(1, 20, 1);
    bad.row(0)[17] = nan;
    if (in_lanes) bad = aligned(bad);
    Matrix with_bias = bad, plain = bad, unit = bad, sum = bad;
    add_bias_relu(bias, with_bias.view());
    add_bias_relu({}, plain.view());
    std::vector<float> z(1);
    relu_unit_forward(unit.view(), bias, weight, 0, z);
    sum_relu_forward(bad.view(), bad.view(), first_row, first_row, sum.view());
    EXPECT_TRUE(std::isnan(z[0]));
    for (const Matrix* y : {&with_bias, &plain, &unit, &sum})
      for (int64_t c = 0; c < 20; ++c) ASSERT_EQ(std::isnan(y->row(0)[c]), c == 17) << c;
  }
}

}  // namespace
}  // namespace ncf
