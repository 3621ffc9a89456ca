#pragma once
/// Products of bfloat16 numbers: gemm() with Precision::bf16, for matrices without an empty side.

#include "ncf/nn/gemm.hpp"

namespace ncf {

void gemm_bf16(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, float beta);

}  // namespace ncf
