#pragma once
/// The output unit of a multilayer perceptron.

#include <span>

#include "ncf/util/matrix.hpp"

namespace ncf {

/// One output unit: z[r] = x[r]·w + b. x [rows × in].
void unit_forward(ConstMatrixView x, std::span<const float> weight, float bias, std::span<float> z);
/// y = relu(y + bias), in place, and z[r] = y[r]·w + b, in one. y [rows × units], bias [units]: of the layer
/// below.
void relu_unit_forward(MatrixView y, std::span<const float> bias, std::span<const float> weight,
                       float unit_bias, std::span<float> z);
/// dweight += Σ dz[r]·x[r]; dbias += Σ dz; dx[r] = dz[r]·w.
void unit_backward(ConstMatrixView x, std::span<const float> weight, std::span<const float> dz,
                   std::span<float> dweight, float& dbias, MatrixView dx);
/// unit_backward on the outputs y of a ReLU, and relu_backward, in one: dy[r] = dz[r]·w·(y[r] > 0).
void unit_relu_backward(ConstMatrixView y, std::span<const float> weight, std::span<const float> dz,
                        std::span<float> dweight, float& dbias, MatrixView dy, std::span<float> dbias_below);

}  // namespace ncf
