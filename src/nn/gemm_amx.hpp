#pragma once
/// Matrix products in the matrix registers of AMX, which multiply bfloat16 numbers sixteen times as fast as
/// vector registers multiply floats. With Precision::bf16 the operands are rounded. With Precision::fp32
/// every operand is split into three bfloat16 numbers, whose sum it is exactly (3 × 8 bits of mantissa), and
/// the six largest of the nine products of parts are added up, the smallest first: what is left out is below
/// 2^-24 of a product, and sums are floats in both ways (the idea is Henry, Tang and Heinecke's,
/// arXiv:1904.06376; oneMKL calls it float_to_bf16x3). See docs/decisions/products-of-parts.md.

#include "ncf/nn/gemm.hpp"

namespace ncf {

/// c = op(a)·b, added to c if `adds`. No side is empty; the processor has_amx() (target.hpp).
void gemm_amx(ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c, bool adds, Precision precision);

}  // namespace ncf
