// Of the right operand 64 rows and up to 64 columns at a time are packed, which stay in the first cache while
// all rows of the left one go by.
#include "gemm_skip_avx2.hpp"

#include "ncf/util/error.hpp"
#include "ncf/util/target.hpp"

#ifdef NCF_AVX2

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "lanes.hpp"
#include "ncf/nn/layers.hpp"

namespace ncf {
namespace {

constexpr int64_t width = 8, widest = 8;  // lanes of a register; registers of sums
constexpr int64_t words_of_bits = 64;

/// A bit for each number of a chunk of up to 64 that is not zero; a NaN is not.
NCF_INLINE NCF_AVX2 uint64_t present_numbers(const float* left, int64_t count) {
  uint64_t bits = 0;
  int64_t k = 0;
  for (; k + width <= count; k += width) {
    const __m256 there = _mm256_cmp_ps(_mm256_loadu_ps(left + k), _mm256_setzero_ps(), _CMP_NEQ_UQ);
    bits |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_ps(there))) << k;
  }
  for (; k < count; ++k) bits |= uint64_t{left[k] != 0} << k;
  return bits;
}

/// The bits [rows × chunks]. Returns how many are set.
NCF_AVX2 int64_t find_present(ConstMatrixView left, uint64_t* bits) {
  int64_t count = 0;
  for (int64_t r = 0; r < left.rows; ++r)
    for (int64_t k = 0; k < left.cols; k += words_of_bits, ++bits) {
      *bits = present_numbers(left.row(r) + k, std::min(words_of_bits, left.cols - k));
      count += std::popcount(*bits);
    }
  return count;
}

/// Some columns of some rows of op(b), in whole registers.
void pack(ConstMatrixView b, Op op, int64_t registers, float* to) {
  const int64_t rows = op == Op::none ? b.rows : b.cols, cols = op == Op::none ? b.cols : b.rows;
  for (int64_t k = 0; k < rows; ++k, to += registers * width) {
    if (op == Op::none)
      std::copy_n(b.row(k), cols, to);
    else
      for (int64_t j = 0; j < cols; ++j) to[j] = b(j, k);
    std::fill(to + cols, to + registers * width, 0.0F);
  }
}

/// One chunk of all rows and a panel, whose sums are read from `out`, except where they begin, and written
/// there.
struct Chunk {
  ConstMatrixView left;
  const uint64_t* bits;
  int64_t chunks;  // from the bits of a row to those of the next
  const float* panel;
  MatrixView out;
  bool begins;
};

template <int registers>
NCF_AVX2 void multiply_present(const Chunk& of_chunk) {
  const Chunk job = of_chunk;  // the compiler knows that no store changes it
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const auto rest = static_cast<int32_t>(job.out.cols - (registers - 1) * width);
  const __m256i last = _mm256_cmpgt_epi32(_mm256_set1_epi32(rest), lane);
  for (int64_t r = 0; r < job.left.rows; ++r) {
    const float* const left = job.left.row(r);
    float* const out = job.out.row(r);
    __m256 sums[registers];
#pragma GCC unroll 8
    for (int j = 0; j < registers; ++j)
      sums[j] = job.begins          ? _mm256_setzero_ps()
                : j + 1 < registers ? _mm256_loadu_ps(out + j * width)
                                    : _mm256_maskload_ps(out + j * width, last);
    for (uint64_t bits = job.bits[r * job.chunks]; bits != 0; bits &= bits - 1) {
      const int64_t word = std::countr_zero(bits);
      const __m256 all = _mm256_broadcast_ss(left + word);
      const float* const right = job.panel + word * registers * width;
#pragma GCC unroll 8
      for (int j = 0; j < registers; ++j)
        sums[j] = _mm256_fmadd_ps(all, _mm256_loadu_ps(right + j * width), sums[j]);
    }
#pragma GCC unroll 8
    for (int j = 0; j + 1 < registers; ++j) _mm256_storeu_ps(out + j * width, sums[j]);
    _mm256_maskstore_ps(out + (registers - 1) * width, last, sums[registers - 1]);
  }
}

template <int... before>
void multiply_present(const Chunk& chunk, int64_t registers, std::integer_sequence<int, before...>) {
  ((registers == before + 1 ? multiply_present<before + 1>(chunk) : void()), ...);
}

/// Whether skipping zeros is quicker when so many of the numbers are not zero: measured.
bool skipping_pays(int64_t present, int64_t numbers) {
  return 10 * present <= 6 * numbers;
}

}  // namespace

bool gemm_skip_avx2(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds) {
  thread_local Matrix turned;
  thread_local std::vector<uint64_t> bits;
  thread_local AlignedVector<float> panel(words_of_bits * widest * width);
  constexpr int64_t enough = 32;  // rows to pack panels for
  if (c.rows < enough) return false;
  if (op_a == Op::transpose) {
    transpose(a, turned);
    a = turned.view();
  }
  const int64_t chunks = (a.cols + words_of_bits - 1) / words_of_bits;
  if (std::ssize(bits) < a.rows * chunks) bits.resize(static_cast<std::size_t>(a.rows * chunks));
  if (!skipping_pays(find_present(a, bits.data()), a.rows * a.cols)) return false;
  // Panels of nearly equal width: a narrow one would wait for its sums.
  const int64_t panels = (c.cols + widest * width - 1) / (widest * width),
                wide = ((c.cols + panels - 1) / panels + width - 1) / width * width;
  for (int64_t column = 0; column < c.cols; column += wide) {
    const int64_t cols = std::min(wide, c.cols - column), registers = (cols + width - 1) / width;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const int64_t k = chunk * words_of_bits, words = std::min(words_of_bits, a.cols - k);
      pack(op_b == Op::none ? b.rows_from(k, words).cols_from(column, cols)
                            : b.rows_from(column, cols).cols_from(k, words),
           op_b, registers, panel.data());
      multiply_present({.left = a.cols_from(k, words),
                        .bits = bits.data() + chunk,
                        .chunks = chunks,
                        .panel = panel.data(),
                        .out = c.cols_from(column, cols),
                        .begins = chunk == 0 && !adds},
                       registers, std::make_integer_sequence<int, widest>());
    }
  }
  return true;
}

}  // namespace ncf

#else

namespace ncf {

bool gemm_skip_avx2(ConstMatrixView, Op, ConstMatrixView, Op, MatrixView, bool) {
  throw Error(ErrorKind::internal, "this program was built without AVX2");
}

}  // namespace ncf

#endif
