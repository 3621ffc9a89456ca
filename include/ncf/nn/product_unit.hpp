#pragma once
/// A linear unit on the element-wise product of two rows: He et al. 2017, "Neural Collaborative Filtering",
/// equation 9, generalized matrix factorization.

#include <cstdint>
#include <span>

#include "ncf/util/matrix.hpp"
#include "ncf/util/row_terms.hpp"

namespace ncf {

/// z[r] += Σ_c w[c]·a[of_a[r]][c]·b[of_b[r]][c]. a, b [any × cols, or more], weight [cols].
void product_unit_forward(ConstMatrixView a, ConstMatrixView b, std::span<const int32_t> of_a,
                          std::span<const int32_t> of_b, std::span<const float> weight, std::span<float> z);

/// Its way back: dweight [cols] += Σ_r dz[r]·a[of_a[r]]·b[of_b[r]], da[to_a.to[r]] += dz[r]·w·b[of_b[r]], and
/// the same to db with a. Columns of da and db past those of the weight become zeros.
void product_unit_backward(ConstMatrixView a, ConstMatrixView b, std::span<const int32_t> of_a,
                           std::span<const int32_t> of_b, std::span<const float> weight,
                           std::span<const float> dz, std::span<float> dweight, RowTerms to_a, RowTerms to_b,
                           MatrixView da, MatrixView db);

}  // namespace ncf
