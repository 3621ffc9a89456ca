#pragma once
/// Products without the zeros of their left operand, for processors with AVX2 and no AVX-512: all others are
/// oneDNN's there. As gemm_skip.hpp does it, of which the head says why, in 8 registers of 8 sums.

#include "ncf/nn/gemm.hpp"

namespace ncf {

/// c = op(a)·op(b), added to c if `adds`; false, and nothing done, where skipping zeros does not pay. No side
/// is empty; the processor has_avx2() (target.hpp). The order of a sum's terms is theirs.
bool gemm_skip_avx2(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds);

}  // namespace ncf
