#pragma once
/// The layers of a multilayer perceptron as free functions: forward and backward of each, on views.
/// Gradients of parameters are added to what is there; gradients of inputs are written.

#include <cstdint>
#include <functional>
#include <span>

#include "ncf/nn/gemm.hpp"
#include "ncf/util/matrix.hpp"
#include "ncf/util/row_terms.hpp"

namespace ncf {

/// A layer's weight for going forward: [out × in] as it is kept, or a transposed copy [in × out], with which
/// oneDNN multiplies up to a third faster; the copy pays from some dozen rows on.
struct ForwardWeight {
  ConstMatrixView matrix;
  bool transposed = false;

  Op op() const { return transposed ? Op::none : Op::transpose; }
  /// The part that belongs to `count` inputs.
  ForwardWeight inputs(int64_t first, int64_t count) const {
    return {transposed ? matrix.rows_from(first, count) : matrix.cols_from(first, count), transposed};
  }
};

/// to = fromᵀ, reshaped.
void transpose(ConstMatrixView from, Matrix& to);

/// y = x·Wᵀ. x [rows × in], weight [out × in], y [rows × out]. in_x: whether it has zeros that ReLU left.
void linear_forward(ConstMatrixView x, ForwardWeight weight, MatrixView y,
                    Precision precision = Precision::fp32, Zeros in_x = Zeros::few);
/// y = relu(y + bias), in place; bias [cols] or empty. A NaN stays one.
void add_bias_relu(std::span<const float> bias, MatrixView y);

/// dy ·= (y > 0), in place: the gradient before the ReLU that made y. dbias (may be empty), of the bias
/// before that ReLU, += column sums of it.
void relu_backward(ConstMatrixView y, MatrixView dy, std::span<float> dbias);

/// dweight += dyᵀ·x; dx = dy·W (dx.data null: not wanted). in_dy: whether it has zeros, from a ReLU.
void linear_backward(ConstMatrixView x, ConstMatrixView weight, ConstMatrixView dy, MatrixView dweight,
                     MatrixView dx, Precision precision = Precision::fp32, Zeros in_dy = Zeros::many);

/// dx = dy·W alone.
void linear_backward_inputs(ConstMatrixView weight, ConstMatrixView dy, MatrixView dx,
                            Precision precision = Precision::fp32, Zeros in_dy = Zeros::many);

/// sum += the rows of x [rows × cols], one after the other.
void add_rows(ConstMatrixView x, std::span<float> sum);
/// Adds `values` [cols] to every row of x.
void add_to_rows(std::span<const float> values, MatrixView x);

/// sums[terms.to[r]] += from[r], or = where it is the first.
void scatter_add(ConstMatrixView from, RowTerms terms, MatrixView sums);

/// Sums over the whole batch: parts [granules here × n], row-major, one row a granule of this rank; `total`
/// [n] becomes the sum over the granules of all ranks. Collective where there are ranks.
using GlobalSum = std::function<void(std::span<const double> parts, std::span<double> total)>;

/// Batch normalisation over the *global* batch. One per layer; holds what backward needs.
/// `bounds` [granules + 1] says which of the rows belong to which granule of this rank.
class BatchNorm {
 public:
  static constexpr double eps = 1e-5, momentum = 0.1;
  /// y = (x − mean)/√(var + eps)·weight + bias with the statistics of all ranks' rows, and moves the running
  /// ones (variance unbiased). In place. x [rows × n]. Collective through `sum`.
  void forward(MatrixView x, std::span<const int64_t> bounds, std::span<const float> weight,
               std::span<const float> bias, std::span<float> running_mean, std::span<float> running_var,
               const GlobalSum& sum);
  /// dy becomes dx in place; row g of dweight and dbias [granules × n] gets granule g's part added.
  /// Collective through `sum`.
  void backward(MatrixView dy, std::span<const int64_t> bounds, std::span<const float> weight,
                MatrixView dweight, MatrixView dbias, const GlobalSum& sum);
  /// With running statistics, in place.
  static void evaluate(MatrixView x, std::span<const float> weight, std::span<const float> bias,
                       std::span<const float> running_mean, std::span<const float> running_var);

 private:
  Matrix normalised_;
  std::vector<double> inverse_deviation_, parts_, totals_;
  double rows_ = 0;  // of the global batch
};

/// Multiplies x by a mask of zeros and 1/(1−rate). The mask of a value is a pure function of (seed, stream,
/// sample position in the epoch, unit); `stream` numbers the layer and the epoch. Row r is position
/// first_position + r.
void dropout(MatrixView x, double rate, uint64_t seed, uint64_t stream, int64_t first_position);

}  // namespace ncf
