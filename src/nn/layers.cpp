#include "ncf/nn/layers.hpp"

#include <algorithm>
#include <cmath>

#include "lanes.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/prefetch.hpp"
#include "ncf/util/random.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

// ReLU leaves a NaN as it is, so that it shows in the loss.
//
// Whole matrices, not rows: a call through the choice of instruction set costs as much as a short row.

NCF_MULTIARCH void bias_relu(MatrixView y, const float* __restrict bias) {
  for (int64_t r = 0; r < y.rows; ++r) {
    float* __restrict row = y.row(r);
    for (int64_t i = 0; i < y.cols; ++i) {
      const float value = row[i] + bias[i];
      row[i] = value < 0 ? 0 : value;
    }
  }
}
NCF_MULTIARCH void relu(MatrixView y) {
  for (int64_t r = 0; r < y.rows; ++r) {
    float* __restrict row = y.row(r);
    for (int64_t i = 0; i < y.cols; ++i) row[i] = row[i] < 0 ? 0 : row[i];
  }
}
NCF_MULTIARCH void mask(ConstMatrixView y, MatrixView dy) {
  for (int64_t r = 0; r < y.rows; ++r) {
    const float* __restrict from = y.row(r);
    float* __restrict row = dy.row(r);
    for (int64_t i = 0; i < y.cols; ++i) row[i] = from[i] > 0 ? row[i] : 0;
  }
}
NCF_MULTIARCH void mask_and_sum(ConstMatrixView y, MatrixView dy, float* __restrict sum) {
  for (int64_t r = 0; r < y.rows; ++r) {
    const float* __restrict from = y.row(r);
    float* __restrict row = dy.row(r);
    for (int64_t i = 0; i < y.cols; ++i) {
      const float d = from[i] > 0 ? row[i] : 0;
      row[i] = d;
      sum[i] += d;
    }
  }
}
NCF_MULTIARCH void sum_of_rows(ConstMatrixView x, float* __restrict sum) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* __restrict row = x.row(r);
    for (int64_t i = 0; i < x.cols; ++i) sum[i] += row[i];
  }
}
NCF_MULTIARCH void add_to_each_row(const float* __restrict values, MatrixView x) {
  for (int64_t r = 0; r < x.rows; ++r) {
    float* __restrict row = x.row(r);
    for (int64_t i = 0; i < x.cols; ++i) row[i] += values[i];
  }
}
constexpr int64_t ahead = 6;  // sums that are asked for meanwhile

NCF_MULTIARCH void add_to_places(ConstMatrixView from, const int32_t* __restrict places,
                                 const uint8_t* __restrict first, MatrixView to) {
  for (int64_t r = 0; r < from.rows; ++r) {
    const float* __restrict row = from.row(r);
    float* __restrict sum = to.row(places[r]);
    if (r + ahead < from.rows) prefetch(to.row(places[r + ahead]), from.cols);
    if (first[r] != 0) {
      for (int64_t i = 0; i < from.cols; ++i) sum[i] = row[i];
    } else {
      for (int64_t i = 0; i < from.cols; ++i) sum[i] += row[i];
    }
  }
}

/// to = fromᵀ in squares of 16 rows and columns. Where they do not fit, the last ones overlap those before.
NCF_MULTIARCH void transpose_squares(ConstMatrixView from, MatrixView to) {
  for (int64_t i = 0; i < from.rows; i += lanes)
    for (int64_t j = 0; j < from.cols; j += lanes) {
      const int64_t r = std::min(i, from.rows - lanes), c = std::min(j, from.cols - lanes);
      Lanes v[lanes];
#pragma GCC unroll 16
      for (int64_t k = 0; k < lanes; ++k) read(from.row(r + k) + c, v[k]);
      transpose(v);
#pragma GCC unroll 16
      for (int64_t k = 0; k < lanes; ++k) write(to.row(c + k) + r, v[k]);
    }
}

void transpose_plainly(ConstMatrixView from, MatrixView to) {
  for (int64_t r = 0; r < from.rows; ++r)
    for (int64_t c = 0; c < from.cols; ++c) to(c, r) = from(r, c);
}

}  // namespace

void transpose(ConstMatrixView from, Matrix& to) {
  to.reshape_aligned(from.cols, from.rows);
  std::min(from.rows, from.cols) < lanes ? transpose_plainly(from, to.view())
                                         : transpose_squares(from, to.view());
}

void linear_forward(ConstMatrixView x, ForwardWeight weight, MatrixView y, Precision precision, Zeros in_x) {
  gemm(x, Op::none, weight.matrix, weight.op(), y, 0, precision, in_x);
}

void add_bias_relu(std::span<const float> bias, MatrixView y) {
  bias.empty() ? relu(y) : bias_relu(y, bias.data());
}

void relu_backward(ConstMatrixView y, MatrixView dy, std::span<float> dbias) {
  dbias.empty() ? mask(y, dy) : mask_and_sum(y, dy, dbias.data());
}

void linear_backward(ConstMatrixView x, ConstMatrixView weight, ConstMatrixView dy, MatrixView dweight,
                     MatrixView dx, Precision precision, Zeros in_dy) {
  if (dy.rows == 0) return;
  gemm(dy, Op::transpose, x, Op::none, dweight, 1, precision, in_dy);
  if (dx.data != nullptr) linear_backward_inputs(weight, dy, dx, precision, in_dy);
}

void linear_backward_inputs(ConstMatrixView weight, ConstMatrixView dy, MatrixView dx, Precision precision,
                            Zeros in_dy) {
  gemm(dy, Op::none, weight, Op::none, dx, 0, precision, in_dy);
}

void add_rows(ConstMatrixView x, std::span<float> sum) {
  sum_of_rows(x, sum.data());
}

void add_to_rows(std::span<const float> values, MatrixView x) {
  add_to_each_row(values.data(), x);
}

void scatter_add(ConstMatrixView from, RowTerms terms, MatrixView sums) {
  add_to_places(from, terms.to.data(), terms.first.data(), sums);
}

void BatchNorm::forward(MatrixView x, std::span<const int64_t> bounds, std::span<const float> weight,
                        std::span<const float> bias, std::span<float> running_mean,
                        std::span<float> running_var, const GlobalSum& sum) {
  const auto n = static_cast<std::size_t>(x.cols);
  const std::size_t granules = bounds.size() - 1;
  // Two passes (mean, then squared deviations): one pass of squares would cancel.
  parts_.assign(granules * (n + 1), 0.0);
  totals_.assign(n + 1, 0.0);
  for (std::size_t g = 0; g < granules; ++g) {
    double* part = parts_.data() + g * (n + 1);
    for (int64_t r = bounds[g]; r < bounds[g + 1]; ++r)
      for (std::size_t c = 0; c < n; ++c) part[c] += static_cast<double>(x.row(r)[c]);
    part[n] = static_cast<double>(bounds[g + 1] - bounds[g]);
  }
  sum(parts_, totals_);
  rows_ = totals_[n];
  std::vector<double> mean(totals_.begin(), totals_.end() - 1);
  for (double& m : mean) m /= rows_;

  parts_.assign(granules * n, 0.0);
  totals_.assign(n, 0.0);
  for (std::size_t g = 0; g < granules; ++g)
    for (int64_t r = bounds[g]; r < bounds[g + 1]; ++r)
      for (std::size_t c = 0; c < n; ++c) {
        const double d = static_cast<double>(x.row(r)[c]) - mean[c];
        parts_[g * n + c] += d * d;
      }
  sum(parts_, totals_);
  inverse_deviation_.resize(n);
  for (std::size_t c = 0; c < n; ++c) {
    const double unbiased = rows_ > 1 ? totals_[c] / (rows_ - 1) : totals_[c];
    inverse_deviation_[c] = 1 / std::sqrt(totals_[c] / rows_ + eps);
    running_mean[c] += static_cast<float>(momentum * (mean[c] - static_cast<double>(running_mean[c])));
    running_var[c] += static_cast<float>(momentum * (unbiased - static_cast<double>(running_var[c])));
  }
  normalised_.reshape(x.rows, x.cols);
  for (int64_t r = 0; r < x.rows; ++r)
    for (std::size_t c = 0; c < n; ++c) {
      const float xhat =
          static_cast<float>((static_cast<double>(x.row(r)[c]) - mean[c]) * inverse_deviation_[c]);
      normalised_.row(r)[c] = xhat;
      x.row(r)[c] = xhat * weight[c] + bias[c];
    }
}

void BatchNorm::backward(MatrixView dy, std::span<const int64_t> bounds, std::span<const float> weight,
                         MatrixView dweight, MatrixView dbias, const GlobalSum& sum) {
  const auto n = static_cast<std::size_t>(dy.cols);
  const std::size_t granules = bounds.size() - 1;
  parts_.assign(granules * 2 * n, 0.0);  // a granule: Σ dy, then Σ dy·x̂
  totals_.assign(2 * n, 0.0);
  for (std::size_t g = 0; g < granules; ++g) {
    double* part = parts_.data() + g * 2 * n;
    for (int64_t r = bounds[g]; r < bounds[g + 1]; ++r)
      for (std::size_t c = 0; c < n; ++c) {
        const double d = static_cast<double>(dy.row(r)[c]);
        part[c] += d;
        part[n + c] += d * static_cast<double>(normalised_.row(r)[c]);
      }
    // The granules' gradients are added up with all others later, so here stands the part, not the sum.
    for (std::size_t c = 0; c < n; ++c) {
      dbias.row(static_cast<int64_t>(g))[c] += static_cast<float>(part[c]);
      dweight.row(static_cast<int64_t>(g))[c] += static_cast<float>(part[n + c]);
    }
  }
  sum(parts_, totals_);
  for (int64_t r = 0; r < dy.rows; ++r)
    for (std::size_t c = 0; c < n; ++c) {
      const double xhat = static_cast<double>(normalised_.row(r)[c]);
      const double d = static_cast<double>(dy.row(r)[c]) - totals_[c] / rows_ - xhat * totals_[n + c] / rows_;
      dy.row(r)[c] = static_cast<float>(d * inverse_deviation_[c] * static_cast<double>(weight[c]));
    }
}

void BatchNorm::evaluate(MatrixView x, std::span<const float> weight, std::span<const float> bias,
                         std::span<const float> running_mean, std::span<const float> running_var) {
  for (std::size_t c = 0; c < static_cast<std::size_t>(x.cols); ++c) {
    const float scale = static_cast<float>(static_cast<double>(weight[c]) /
                                           std::sqrt(static_cast<double>(running_var[c]) + eps));
    for (int64_t r = 0; r < x.rows; ++r) x.row(r)[c] = (x.row(r)[c] - running_mean[c]) * scale + bias[c];
  }
}

void dropout(MatrixView x, double rate, uint64_t seed, uint64_t stream, int64_t first_position) {
  if (rate <= 0) return;
  const auto threshold = static_cast<uint64_t>(rate * 0x1p32);
  const float scale = static_cast<float>(1 / (1 - rate));
  const int64_t blocks = (x.cols + 3) / 4;  // four units a random block
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t b = 0; b < blocks; ++b) {
      const auto words = random_block(seed, Purpose::dropout, stream,
                                      static_cast<uint64_t>((first_position + r) * blocks + b));
      for (int64_t c = b * 4; c < std::min(x.cols, b * 4 + 4); ++c)
        x(r, c) = words[static_cast<std::size_t>(c - b * 4)] < threshold ? 0.0F : x(r, c) * scale;
    }
}

}  // namespace ncf
