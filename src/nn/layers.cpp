#include "ncf/nn/layers.hpp"

#include <algorithm>
#include <cmath>

#include "ncf/nn/gemm.hpp"
#include "ncf/util/random.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void bias_relu_row(int64_t n, float* __restrict y, const float* __restrict bias) {
  for (int64_t i = 0; i < n; ++i) {
    const float value = y[i] + bias[i];
    y[i] = value > 0 ? value : 0;
  }
}
NCF_MULTIARCH void relu_row(int64_t n, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = y[i] > 0 ? y[i] : 0;
}
NCF_MULTIARCH void mask_row(int64_t n, const float* __restrict y, float* __restrict dy) {
  for (int64_t i = 0; i < n; ++i) dy[i] = y[i] > 0 ? dy[i] : 0;
}
NCF_MULTIARCH void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}
NCF_MULTIARCH float dot_row(int64_t n, const float* __restrict a, const float* __restrict b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}
NCF_MULTIARCH void unit_backward_row(int64_t n, float dz, const float* __restrict x,
                                     const float* __restrict w, float* __restrict dw, float* __restrict dx) {
  for (int64_t i = 0; i < n; ++i) {
    dw[i] += dz * x[i];
    dx[i] = dz * w[i];
  }
}

}  // namespace

void linear_relu_forward(ConstMatrixView x, ConstMatrixView weight, std::span<const float> bias,
                         MatrixView y) {
  gemm(x, Op::none, weight, Op::transpose, y);
  for (int64_t r = 0; r < y.rows; ++r)
    bias.empty() ? relu_row(y.cols, y.row(r)) : bias_relu_row(y.cols, y.row(r), bias.data());
}

void relu_backward(ConstMatrixView y, MatrixView dy) {
  for (int64_t r = 0; r < y.rows; ++r) mask_row(y.cols, y.row(r), dy.row(r));
}

void linear_backward(ConstMatrixView x, ConstMatrixView weight, ConstMatrixView dy, MatrixView dweight,
                     std::span<float> dbias, MatrixView dx) {
  if (dy.rows == 0) return;
  gemm(dy, Op::transpose, x, Op::none, dweight, 1);
  if (!dbias.empty())
    for (int64_t r = 0; r < dy.rows; ++r) add_row(dy.cols, dy.row(r), dbias.data());
  if (dx.data != nullptr) gemm(dy, Op::none, weight, Op::none, dx);
}

void unit_forward(ConstMatrixView x, std::span<const float> weight, float bias, std::span<float> z) {
  for (int64_t r = 0; r < x.rows; ++r)
    z[static_cast<std::size_t>(r)] = dot_row(x.cols, x.row(r), weight.data()) + bias;
}

void unit_backward(ConstMatrixView x, std::span<const float> weight, std::span<const float> dz,
                   std::span<float> dweight, float& dbias, MatrixView dx) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float g = dz[static_cast<std::size_t>(r)];
    dbias += g;
    unit_backward_row(x.cols, g, x.row(r), weight.data(), dweight.data(), dx.row(r));
  }
}

void BatchNorm::forward(MatrixView x, std::span<const float> weight, std::span<const float> bias,
                        std::span<float> running_mean, std::span<float> running_var, const GlobalSum& sum) {
  const auto n = static_cast<std::size_t>(x.cols);
  // Two passes (mean, then squared deviations): one pass of squares would cancel.
  std::vector<double> mean(n + 1, 0.0), variance(n, 0.0);
  for (int64_t r = 0; r < x.rows; ++r)
    for (std::size_t c = 0; c < n; ++c) mean[c] += static_cast<double>(x.row(r)[c]);
  mean[n] = static_cast<double>(x.rows);
  sum(mean);
  rows_ = mean[n];
  for (std::size_t c = 0; c < n; ++c) mean[c] /= rows_;
  for (int64_t r = 0; r < x.rows; ++r)
    for (std::size_t c = 0; c < n; ++c) {
      const double d = static_cast<double>(x.row(r)[c]) - mean[c];
      variance[c] += d * d;
    }
  sum(variance);
  inverse_deviation_.resize(n);
  for (std::size_t c = 0; c < n; ++c) {
    const double unbiased = rows_ > 1 ? variance[c] / (rows_ - 1) : variance[c];
    inverse_deviation_[c] = 1 / std::sqrt(variance[c] / rows_ + eps);
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

void BatchNorm::backward(MatrixView dy, std::span<const float> weight, std::span<float> dweight,
                         std::span<float> dbias, const GlobalSum& sum) {
  const auto n = static_cast<std::size_t>(dy.cols);
  std::vector<double> sums(2 * n, 0.0);  // Σ dy, then Σ dy·x̂
  for (int64_t r = 0; r < dy.rows; ++r)
    for (std::size_t c = 0; c < n; ++c) {
      const double d = static_cast<double>(dy.row(r)[c]);
      sums[c] += d;
      sums[n + c] += d * static_cast<double>(normalised_.row(r)[c]);
    }
  // The gradient all-reduce adds the ranks' parts, so a part is what stands here before the global sum.
  for (std::size_t c = 0; c < n; ++c) {
    dbias[c] += static_cast<float>(sums[c]);
    dweight[c] += static_cast<float>(sums[n + c]);
  }
  sum(sums);
  for (int64_t r = 0; r < dy.rows; ++r)
    for (std::size_t c = 0; c < n; ++c) {
      const double xhat = static_cast<double>(normalised_.row(r)[c]);
      const double d = static_cast<double>(dy.row(r)[c]) - sums[c] / rows_ - xhat * sums[n + c] / rows_;
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
