#pragma once
/// Products whose left operand has many zeros, as what ReLU leaves, in the vector registers of AVX-512
/// (docs/decisions/skipping-zeros.md). The numbers of a row that are not zero are gone through by a bit for
/// each and multiplied with vectors of the right operand. Each multiplication loads one, which takes no time
/// of its own, as a core does one of each in a cycle.

#include "ncf/nn/gemm.hpp"

namespace ncf {

namespace in_vectors {
template <class Word>
struct Left;
struct Shares;
}  // namespace in_vectors

/// c = left · right, added to c if `adds`; false, and nothing done, where skipping zeros does not pay. A sum's
/// terms are added in the order of gemm_vector.cpp's tiles, so its bits are the same: 0 · b adds nothing,
/// unless b is not finite. `side_by_side` as of those tiles. `right`: packed panels (vector_packing.hpp), or,
/// where reads_in_place(), the rows of the operand itself.
bool skip_zeros(in_vectors::Left<float> left, bool side_by_side, int64_t words,
                const in_vectors::Shares& panels, const float* right, bool in_place, MatrixView c, bool adds);
/// Whether the rows of the right operand, which would be such panels, are as good: whole vectors, and no more
/// of them than are gone through together.
bool reads_in_place(ConstMatrixView right, const in_vectors::Shares& panels);

/// c = op(a)·op(b) in bfloat16, added to c if `adds`, always without zeros: two numbers of a row that are not
/// zero are a word together, wherever they stand. A row's bits do not depend on the rows beside it. No side
/// is empty; the processor has_bf16().
void gemm_skip_bf16(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds);

}  // namespace ncf
