#pragma once
/// Products of bfloat16 numbers in the matrix registers of AMX: what gemm_bf16.hpp does, quicker, on
/// processors that have them. The operands are rounded on their way into blocks that fit the registers.

#include "ncf/nn/gemm.hpp"

namespace ncf {

/// Whether the processor has the registers and the system lets this process use them.
bool has_amx();

/// c = op(a)·b, added to c if `adds`. No side is empty; has_amx().
void gemm_amx(ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c, bool adds);

}  // namespace ncf
