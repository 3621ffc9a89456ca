#pragma once
/// Matrix products, on AMX where the processor has it and that is quicker, in the vector registers of AVX-512
/// where it has those, else on oneDNN: the only door to all three.

#include <string>

#include "ncf/util/matrix.hpp"

namespace ncf {

enum class Op { none, transpose };

/// bf16: a and b are rounded to bfloat16 (8 bits of mantissa) on the way in; sums are float32 either way.
enum class Precision { fp32, bf16 };

/// What makes the larger products: oneDNN, the vector registers of AVX-512, or those and the tiles of AMX. It
/// is the widest that the processor has, and oneDNN's own limit, the environment variable ONEDNN_MAX_CPU_ISA,
/// holds for all: with AVX2 it is oneDNN.
enum class Multiplier { onednn, vectors, tiles };
Multiplier multiplier();

/// Whether products can be made with Precision::bf16: not by oneDNN, whose are slower than fp32 where the
/// processor does not multiply bfloat16 numbers itself.
bool has_bf16();

/// Of the left operand. many: such as ReLU leaves. They are skipped where that is quicker: nothing is then
/// seen of what only zeros are multiplied with, should it not be finite.
enum class Zeros { few, many };

/// Whether products skip zeros: not where there are tiles, for which it was not measured, nor without AVX2.
bool skips_zeros();

/// c = op(a) · op(b) + beta · c, with beta 0 or 1. Shapes: op(a) [m × k], op(b) [k × n], c [m × n].
/// Empty shapes are fine: with k = 0, c becomes beta · c. Throws Error{internal} when oneDNN refuses.
void gemm(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, float beta = 0,
          Precision precision = Precision::fp32, Zeros in_a = Zeros::few);

/// Whether a row of a product has the same bits whatever other rows the left operand has. Not in tiles, which
/// only larger products are made in, nor by oneDNN.
bool rows_are_independent(Op op_b);

/// Whether products with so many rows are quicker with a right operand that is not transposed, so that it
/// pays to turn one round that several have.
bool wants_plain_right(int64_t rows);

/// "2.6.3"
std::string onednn_version();

/// Threads that one matrix product may use, from now on in this process.
void set_compute_threads(int64_t threads);

}  // namespace ncf
