#pragma once
/// The first layer of samples whose rows are projected already (model/row_projection.hpp): forward, a sample
/// adds two rows and rectifies; backward, its gradient goes to both. After the products of matrices this is
/// most of a step. Matrices whose rows begin on cache lines are quicker, and samples that stand together with
/// others of the same row of a.

#include <cstdint>
#include <span>

#include "ncf/util/matrix.hpp"
#include "ncf/util/row_terms.hpp"

namespace ncf {

/// y[r] = relu(a[of_a[r]] + b[of_b[r]]): the first layer of samples whose rows are projected already.
/// a, b [any × units], y [rows × units].
void sum_relu_forward(ConstMatrixView a, ConstMatrixView b, std::span<const int32_t> of_a,
                      std::span<const int32_t> of_b, MatrixView y);
/// da[a.to[r]] += dy[r]·(y[r] > 0), and the same to db.
void sum_relu_backward(ConstMatrixView y, ConstMatrixView dy, RowTerms a, RowTerms b, MatrixView da,
                       MatrixView db);

}  // namespace ncf
