#pragma once
/// The layers once more, for tests: plain loops in double precision. A batch is a vector of rows.

#include <cmath>
#include <cstddef>
#include <vector>

namespace ncf::reference {

using Vector = std::vector<double>;
using Rows = std::vector<Vector>;  // [samples][units]

/// y = x·Wᵀ + b. weight [out × in]; bias null: none.
inline Rows linear(const Rows& x, const Vector& weight, const Vector* bias, std::size_t out) {
  Rows y(x.size(), Vector(out));
  for (std::size_t r = 0; r < x.size(); ++r)
    for (std::size_t o = 0; o < out; ++o) {
      double sum = bias != nullptr ? (*bias)[o] : 0;
      for (std::size_t i = 0; i < x[r].size(); ++i) sum += x[r][i] * weight[o * x[r].size() + i];
      y[r][o] = sum;
    }
  return y;
}

/// Adds the gradients of weight and bias (null: none); returns that of x.
inline Rows linear_backward(const Rows& x, const Vector& weight, const Rows& dy, Vector& dweight,
                            Vector* dbias) {
  Rows dx(x.size());
  for (std::size_t r = 0; r < x.size(); ++r) {
    dx[r].resize(x[r].size());
    for (std::size_t o = 0; o < dy[r].size(); ++o) {
      if (dbias != nullptr) (*dbias)[o] += dy[r][o];
      for (std::size_t i = 0; i < x[r].size(); ++i) {
        dweight[o * x[r].size() + i] += dy[r][o] * x[r][i];
        dx[r][i] += dy[r][o] * weight[o * x[r].size() + i];
      }
    }
  }
  return dx;
}

inline Rows relu(Rows x) {
  for (Vector& row : x)
    for (double& value : row) value = value > 0 ? value : 0;
  return x;
}

/// The gradient before the ReLU whose input was x.
inline Rows relu_backward(const Rows& x, Rows dy) {
  for (std::size_t r = 0; r < x.size(); ++r)
    for (std::size_t c = 0; c < x[r].size(); ++c)
      if (x[r][c] <= 0) dy[r][c] = 0;
  return dy;
}

/// Dropout, forward and backward: multiplies by a mask of 0 and 1/(1 − rate) [samples][units]. No mask: as it
/// is.
inline Rows masked(Rows x, const Rows& mask) {
  for (std::size_t r = 0; r < mask.size(); ++r)
    for (std::size_t c = 0; c < mask[r].size(); ++c) x[r][c] *= mask[r][c];
  return x;
}

/// torch.nn.BatchNorm1d. In training, with the statistics of the batch, which are kept for backward.
struct BatchNorm {
  static constexpr double eps = 1e-5, momentum = 0.1;
  Rows normalised;
  Vector mean, variance;  // of the batch; the variance biased

  Rows forward(const Rows& x, const Vector& weight, const Vector& bias) {
    const double rows = static_cast<double>(x.size());
    mean.assign(weight.size(), 0);
    variance.assign(weight.size(), 0);
    normalised = x;
    Rows y = x;
    for (std::size_t c = 0; c < weight.size(); ++c) {
      for (const Vector& row : x) mean[c] += row[c] / rows;
      for (const Vector& row : x) variance[c] += (row[c] - mean[c]) * (row[c] - mean[c]) / rows;
      for (std::size_t r = 0; r < x.size(); ++r) {
        normalised[r][c] = (x[r][c] - mean[c]) / std::sqrt(variance[c] + eps);
        y[r][c] = normalised[r][c] * weight[c] + bias[c];
      }
    }
    return y;
  }

  /// Adds the gradients of weight and bias; dx = w/σ · (dy − mean(dy) − x̂·mean(dy·x̂)).
  Rows backward(const Rows& dy, const Vector& weight, Vector& dweight, Vector& dbias) const {
    const double rows = static_cast<double>(dy.size());
    Rows dx = dy;
    for (std::size_t c = 0; c < weight.size(); ++c) {
      double sum = 0, sum_normalised = 0;
      for (std::size_t r = 0; r < dy.size(); ++r) {
        sum += dy[r][c];
        sum_normalised += dy[r][c] * normalised[r][c];
      }
      dbias[c] += sum;
      dweight[c] += sum_normalised;
      for (std::size_t r = 0; r < dy.size(); ++r)
        dx[r][c] = weight[c] / std::sqrt(variance[c] + eps) *
                   (dy[r][c] - sum / rows - normalised[r][c] * sum_normalised / rows);
    }
    return dx;
  }

  /// A tenth of the way to the batch's mean and to its unbiased variance, which takes two samples at least.
  void move_running(Vector& running_mean, Vector& running_var) const {
    const double rows = static_cast<double>(normalised.size());
    for (std::size_t c = 0; c < mean.size(); ++c) {
      running_mean[c] += momentum * (mean[c] - running_mean[c]);
      running_var[c] += momentum * (variance[c] * rows / (rows - 1) - running_var[c]);
    }
  }

  /// In evaluation, with the running statistics.
  static Rows evaluate(Rows x, const Vector& weight, const Vector& bias, const Vector& running_mean,
                       const Vector& running_var) {
    for (Vector& row : x)
      for (std::size_t c = 0; c < row.size(); ++c)
        row[c] = (row[c] - running_mean[c]) / std::sqrt(running_var[c] + eps) * weight[c] + bias[c];
    return x;
  }
};

/// fastai's sigmoid_range, and its slope.
inline double sigmoid_range(double z, double low, double high) {
  return low + (high - low) / (1 + std::exp(-z));
}
inline double sigmoid_range_slope(double z, double low, double high) {
  const double s = 1 / (1 + std::exp(-z));
  return (high - low) * s * (1 - s);
}

}  // namespace ncf::reference
