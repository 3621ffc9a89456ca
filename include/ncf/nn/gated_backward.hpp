#pragma once
/// The way back through the output unit, the ReLU below it and that ReLU's linear layer, without matrix
/// products. What comes back to unit j of the layer is dz·w[j] where the unit was on, else 0: all that
/// differs from sample to sample, but for one factor, is which units were on, its gates. So
///
///     dx = dy·W = dz · Σ_{j on} w[j]·W[j],
///
/// and the sums of all subsets of five rows w[j]·W[j] are put into a table: a sample adds up one entry of
/// each table (the "method of four Russians": Arlazarov, Dinic, Kronrod, Faradzhev 1970). The weight's
/// gradient goes the other way: a sample adds dz·x to one entry a table, and afterwards a unit's gradient is
/// the sum of the entries in which it was on. A fifth of the additions of the products, nothing rounded more.
/// Units that are off for all samples have no place in the tables: how a sample's sums are rounded depends on
/// which they are.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/nn/gemm.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

/// Whether that is quicker than products in this precision with so many samples at once. A function of the
/// number and the processor.
bool gates_pay(int64_t samples, Precision precision);

/// How many entries a sample adds up for so many units, and adds to.
int64_t gate_tables(int64_t units);

/// The weights of the layer [units × in] and of the output unit [units].
struct GatedWeights {
  ConstMatrixView layer;
  std::span<const float> unit;
};
/// What their gradients are added to, and that of the layer's bias [units].
struct GatedGradients {
  MatrixView layer;
  std::span<float> bias, unit;
};

/// dx = gradient of the layer's inputs x [samples × in], and adds to `gradients`. y [samples × units]: after
/// the ReLU; dz [samples]: gradient of the output unit. As unit_relu_backward() and linear_backward() do it,
/// but for rounding. `gates`: room. Rows of x, y and dx begin on cache lines (Matrix::reshape_aligned).
void gated_backward(const GatedWeights& weights, ConstMatrixView x, ConstMatrixView y,
                    std::span<const float> dz, const GatedGradients& gradients, MatrixView dx,
                    std::vector<uint64_t>& gates);

}  // namespace ncf
