#pragma once
/// Matrix products on oneDNN: the only door to it.

#include <string>

#include "ncf/util/matrix.hpp"

namespace ncf {

enum class Op { none, transpose };

/// c = op(a) · op(b) + beta · c, with beta 0 or 1. Shapes: op(a) [m × k], op(b) [k × n], c [m × n].
/// Empty shapes are fine: with k = 0, c becomes beta · c. Throws Error{internal} when oneDNN refuses.
void gemm(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, float beta = 0);

/// "2.6.3"
std::string onednn_version();

/// Threads that one matrix product may use, from now on in this process.
void set_compute_threads(int64_t threads);

}  // namespace ncf
