// Of the right operand up to 128 rows and 128 columns at a time are packed, which stay in the first cache
// while all rows of the left one go by. Two of its rows, of 32 columns each, become words of two numbers
// where they meet in the registers; so that these come out in order, columns are packed out of order.
#include "gemm_skip.hpp"
#include "ncf/util/target.hpp"

#ifdef NCF_AVX512

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "ncf/nn/layers.hpp"
#include "vector_packing.hpp"

namespace ncf {
namespace {

using namespace in_vectors;

constexpr int64_t group = 2 * lanes;  // columns of a vector of bfloat16 numbers
constexpr int64_t most_groups = 4;    // of a panel
constexpr int64_t word_of_bits = 64;  // numbers
constexpr int64_t chunk_bits = 2;     // words of bits of a chunk
constexpr int64_t chunk_numbers = chunk_bits * word_of_bits;

/// The bits of rows of packed words, a bit for each number that is not zero; a NaN is not.
NCF_AVX512 void find_present(const Left<uint32_t>& left, int64_t rows, int64_t bits_of_row, uint64_t* bits) {
  const __m512i not_signs = _mm512_set1_epi16(0x7fff);
  std::fill_n(bits, rows * bits_of_row, uint64_t{0});
  for (int64_t r = 0; r < rows; ++r, bits += bits_of_row)
    for (int64_t w = 0; w < left.row; w += lanes) {  // rows end with a whole vector
      const uint64_t found =
          _mm512_test_epi16_mask(_mm512_loadu_si512(left.data + r * left.row + w), not_signs);
      bits[w / group] |= found << w % group * 2;
    }
}

/// 0..3, 16..19, 4..7, 20..23, ...: what unpacking takes from each quarter of a register comes out in order.
struct Quarters {
  int16_t of[group] = {};
  constexpr Quarters() {
    for (int k = 0; k < group; ++k) of[k] = static_cast<int16_t>(k / 8 * 4 + k % 4 + (k % 8 < 4 ? 0 : lanes));
  }
};

/// Some rows and columns of the right operand, rounded; zeros to the end of the last group.
NCF_AVX512 void pack(ConstMatrixView from, int64_t groups, uint16_t* to) {
  alignas(64) static constexpr Quarters quarters;
  const __m512i order = _mm512_load_si512(quarters.of);
  for (int64_t k = 0; k < from.rows; ++k)
    for (int64_t g = 0; g < groups; ++g, to += group) {
      const float* const row = from.row(k) + g * group;
      const __m512 first = _mm512_maskz_loadu_ps(lanes_from(g * group, from.cols), row),
                   second = _mm512_maskz_loadu_ps(lanes_from(g * group + lanes, from.cols), row + lanes);
      _mm512_store_si512(
          to, _mm512_permutexvar_epi16(order, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first))));
    }
}

/// One chunk of all rows and a panel, whose sums are read from `out`, except where they begin, and written
/// there.
struct Chunk {
  const uint32_t* left;
  int64_t left_stride;
  const uint64_t* bits;
  int64_t bits_stride;
  const uint16_t* panel;
  MatrixView out;
  bool begins;
};

NCF_AVX512_INLINE uint32_t number(const uint32_t* words, int64_t k) {
  uint16_t out = 0;
  std::memcpy(&out, reinterpret_cast<const char*>(words) + 2 * k, sizeof out);
  return out;
}

/// sums += the word of two numbers · rows i and j of the panel.
template <int groups>
NCF_AVX512_INLINE void add_pair(uint32_t word, const uint16_t* i, const uint16_t* j, __m512* sums) {
  const auto all = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(word)));
#pragma GCC unroll 4
  for (int g = 0; g < groups; ++g) {
    __m512i a = _mm512_load_si512(i + g * group), b = _mm512_load_si512(j + g * group);
    asm("" : "+v"(a), "+v"(b));  // in registers: else one is loaded twice, and loads are what takes time
    const __m512i low = _mm512_unpacklo_epi16(a, b), high = _mm512_unpackhi_epi16(a, b);
    sums[2 * g] = _mm512_dpbf16_ps(sums[2 * g], all, reinterpret_cast<const __m512bh&>(low));
    sums[2 * g + 1] = _mm512_dpbf16_ps(sums[2 * g + 1], all, reinterpret_cast<const __m512bh&>(high));
  }
}

/// The next bit's number, which is no longer set.
NCF_AVX512_INLINE int64_t take(uint64_t& bits) {
  const int64_t k = std::countr_zero(bits);
  bits &= bits - 1;
  return k;
}

template <int groups>
NCF_AVX512 void multiply_present(const Chunk& of_chunk) {
  constexpr int vectors = 2 * groups;
  const Chunk job = of_chunk;  // the compiler knows that no store changes it
  uint16_t columns[vectors];
  for (int j = 0; j < vectors; ++j) columns[j] = lanes_from(j * lanes, job.out.cols);
  for (int64_t r = 0; r < job.out.rows; ++r) {
    float* const out = job.out.row(r);
    __m512 sums[vectors];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j)
      sums[j] = job.begins ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(columns[j], out + j * lanes);
#pragma GCC unroll 2
    for (int64_t w = 0; w < chunk_bits; ++w) {
      const uint32_t* const left = job.left + r * job.left_stride + w * word_of_bits / 2;
      const uint16_t* const panel = job.panel + w * word_of_bits * groups * group;
      uint64_t bits = job.bits[r * job.bits_stride + w];
      for (int pairs = std::popcount(bits) / 2; pairs > 0; --pairs) {
        const int64_t i = take(bits), j = take(bits);
        add_pair<groups>(number(left, i) | number(left, j) << 16, panel + i * groups * group,
                         panel + j * groups * group, sums);
      }
      if (bits == 0) continue;
      const int64_t i = take(bits);
      add_pair<groups>(number(left, i), panel + i * groups * group, panel + i * groups * group, sums);
    }
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) _mm512_mask_storeu_ps(out + j * lanes, columns[j], sums[j]);
  }
}

template <int... before>
void multiply_present(const Chunk& chunk, int64_t groups, std::integer_sequence<int, before...>) {
  ((groups == before + 1 ? multiply_present<before + 1>(chunk) : void()), ...);
}

}  // namespace

void gemm_skip_bf16(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds) {
  thread_local AlignedVector<uint32_t> packed, turned;
  thread_local AlignedVector<uint64_t> bits;
  thread_local AlignedVector<uint16_t> panel(chunk_numbers * most_groups * group);
  thread_local Matrix plain;
  const int64_t numbers = op_a == Op::none ? a.cols : a.rows;
  Left<uint32_t> left = left_of<Bfloat16>(a, op_a, packed);
  if (op_a == Op::transpose) left = turn(left, c.rows, words_of<Bfloat16>(numbers), turned);
  const int64_t chunks = (numbers + chunk_numbers - 1) / chunk_numbers, bits_of_row = chunks * chunk_bits;
  reserve(bits, c.rows * bits_of_row);
  find_present(left, c.rows, bits_of_row, bits.data());
  if (op_b == Op::transpose) {
    transpose(b, plain);
    b = plain.view();
  }
  const Shares panels((c.cols + group - 1) / group, most_groups);
  for (int64_t p = 0, column = 0; p < panels.parts; ++p) {
    const int64_t groups = panels.part(p), cols = std::min(groups * group, c.cols - column);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const int64_t k = chunk * chunk_numbers;
      pack(b.rows_from(k, std::min(chunk_numbers, numbers - k)).cols_from(column, cols), groups,
           panel.data());
      multiply_present({.left = left.data + k / 2,
                        .left_stride = left.row,
                        .bits = bits.data() + chunk * chunk_bits,
                        .bits_stride = bits_of_row,
                        .panel = panel.data(),
                        .out = c.cols_from(column, cols),
                        .begins = chunk == 0 && !adds},
                       groups, std::make_integer_sequence<int, most_groups>());
    }
    column += groups * group;
  }
}

}  // namespace ncf

#endif
