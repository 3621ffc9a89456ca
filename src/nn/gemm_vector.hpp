#pragma once
/// Matrix products in the vector registers of AVX-512: a tile of sums stays in registers while words of the
/// left operand, one after the other, are multiplied with vectors of the right one. A word is a float or a
/// pair of bfloat16 numbers, which one instruction multiplies and adds up. The order in which a
/// sum's terms are added depends on their number and on the place of its column, not on the rows beside it.

#include "ncf/nn/gemm.hpp"

namespace ncf {

/// c = op(a)·op(b), added to c if `adds`; zeros of a are skipped if there are `many`. No side is empty; the
/// processor has_avx512() (target.hpp), for Precision::bf16 also has_bf16().
void gemm_vector(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds,
                 Precision precision, Zeros in_a);

}  // namespace ncf
