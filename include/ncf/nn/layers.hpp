#pragma once
/// The layers of a multilayer perceptron as free functions: forward and backward of each, on views.
/// Gradients of parameters are added to what is there; gradients of inputs are written.

#include <cstdint>
#include <functional>
#include <span>

#include "ncf/util/matrix.hpp"

namespace ncf {

/// y = relu(x·Wᵀ + b). x [rows × in], weight [out × in], bias [out] or empty, y [rows × out].
void linear_relu_forward(ConstMatrixView x, ConstMatrixView weight, std::span<const float> bias,
                         MatrixView y);

/// dy ·= (y > 0), in place: the gradient before the ReLU that made y.
void relu_backward(ConstMatrixView y, MatrixView dy);

/// dweight += dyᵀ·x; dbias (may be empty) += column sums of dy; dx = dy·W (dx.data null: not wanted).
void linear_backward(ConstMatrixView x, ConstMatrixView weight, ConstMatrixView dy, MatrixView dweight,
                     std::span<float> dbias, MatrixView dx);

/// One output unit: z[r] = x[r]·w + b. x [rows × in].
void unit_forward(ConstMatrixView x, std::span<const float> weight, float bias, std::span<float> z);
/// dweight += Σ dz[r]·x[r]; dbias += Σ dz; dx[r] = dz[r]·w.
void unit_backward(ConstMatrixView x, std::span<const float> weight, std::span<const float> dz,
                   std::span<float> dweight, float& dbias, MatrixView dx);

/// Adds up over all ranks, element by element. Collective where there are ranks.
using GlobalSum = std::function<void(std::span<double>)>;

/// Batch normalisation over the *global* batch. One per layer; holds what backward needs.
class BatchNorm {
 public:
  static constexpr double eps = 1e-5, momentum = 0.1;
  /// y = (x − mean)/√(var + eps)·weight + bias with the statistics of all ranks' rows, and moves the running
  /// ones (variance unbiased). x, y [rows × n] may be the same memory. Collective through `sum`.
  void forward(MatrixView x, std::span<const float> weight, std::span<const float> bias,
               std::span<float> running_mean, std::span<float> running_var, const GlobalSum& sum);
  /// dy becomes dx in place; dweight and dbias get this rank's part. Collective through `sum`.
  void backward(MatrixView dy, std::span<const float> weight, std::span<float> dweight,
                std::span<float> dbias, const GlobalSum& sum);
  /// With running statistics, in place.
  static void evaluate(MatrixView x, std::span<const float> weight, std::span<const float> bias,
                       std::span<const float> running_mean, std::span<const float> running_var);

 private:
  Matrix normalised_;
  std::vector<double> inverse_deviation_;
  double rows_ = 0;  // of the global batch
};

/// Multiplies x by a mask of zeros and 1/(1−rate). The mask of a value is a pure function of (seed, stream,
/// sample position in the epoch, unit); `stream` numbers the layer and the epoch. Row r is position
/// first_position + r.
void dropout(MatrixView x, double rate, uint64_t seed, uint64_t stream, int64_t first_position);

}  // namespace ncf
