#include "gemm_skip.hpp"

#include "ncf/util/target.hpp"

#ifdef NCF_AVX512

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "vector_packing.hpp"

namespace ncf {
namespace {

using namespace in_vectors;

constexpr int64_t bits_of_word = 64;
constexpr int widest = 4;   // vectors of a panel
constexpr int latency = 4;  // of a multiplication and addition, in cycles; one can begin in each

/// How many rows of two panels, of so many vectors together, stay in the first cache with what else goes
/// through it.
int64_t chunk_of(int64_t vectors) {
  return vectors < 2 * widest ? bits_of_word : bits_of_word * 3 / 4;
}

/// Rows of a left operand, their numbers one after the other, and a bit for each that is not zero: a word for
/// each chunk of them.
struct Sparse {
  ConstMatrixView rows;
  int64_t chunk;
  const uint64_t* bits;  // [rows × chunks()]
  int64_t chunks() const { return (rows.cols + chunk - 1) / chunk; }
};

/// Of 16 numbers, those of `there`; a NaN is not zero.
NCF_AVX512_INLINE __mmask16 present(const float* numbers, uint16_t there) {
  return _mm512_cmp_ps_mask(_mm512_maskz_loadu_ps(there, numbers), _mm512_setzero_ps(), _CMP_NEQ_UQ);
}
NCF_AVX512_INLINE __mmask16 present(const float* numbers) {
  return _mm512_cmp_ps_mask(_mm512_loadu_ps(numbers), _mm512_setzero_ps(), _CMP_NEQ_UQ);
}
/// Of 64 numbers, or 48: put together as masks, of which one goes to a general register.
template <int vectors>
NCF_AVX512_INLINE uint64_t present_of_chunk(const float* numbers) {
  const __mmask32 first = _mm512_kunpackw(present(numbers + lanes), present(numbers)),
                  second = vectors == 4
                               ? _mm512_kunpackw(present(numbers + 3 * lanes), present(numbers + 2 * lanes))
                               : static_cast<__mmask32>(present(numbers + 2 * lanes));
  return _mm512_kunpackd(second, first);
}

/// Whether skipping zeros is quicker when so many numbers are not zero: measured.
bool skipping_pays(int64_t present, int64_t numbers) {
  return 3 * present <= 2 * numbers;
}

/// bits [rows × chunks]. Returns how many are set.
template <int vectors>
NCF_AVX512 int64_t find_present(ConstMatrixView rows, uint64_t* bits) {
  constexpr int64_t chunk = vectors * lanes;
  int64_t count = 0;
  for (int64_t r = 0; r < rows.rows; ++r) {
    const float *numbers = rows.row(r), *const end = numbers + rows.cols;
    for (; end - numbers >= chunk; numbers += chunk, ++bits)
      count += std::popcount(*bits = present_of_chunk<vectors>(numbers));
    if (numbers == end) continue;
    uint64_t found = 0;
    for (int64_t j = 0; j < end - numbers; j += lanes)
      found |= uint64_t{present(numbers + j, lanes_from(j, end - numbers))} << j;
    count += std::popcount(*bits++ = found);
  }
  return count;
}
int64_t find_present(ConstMatrixView rows, int64_t chunk, uint64_t* bits) {
  return chunk == bits_of_word ? find_present<4>(rows, bits) : find_present<3>(rows, bits);
}

/// By way of a general register: vectors from memory are what the loop waits for.
NCF_AVX512_INLINE __m512 broadcast(const float* number) {
  int32_t bits = 0;
  std::memcpy(&bits, number, sizeof bits);
  asm("" : "+r"(bits));
  return reinterpret_cast<__m512>(_mm512_set1_epi32(bits));
}

/// Sums of all rows with one panel or two that follow each other, and where they go.
struct Tile {
  Sparse left;
  const float* panels;
  int64_t row;        // from a row of the right operand to the next, where it is no panel; else 0
  float *room, *out;  // [rows × the panels' vectors], which may be where they go; [rows × columns]
  int64_t room_stride, stride;
  uint16_t last;  // columns of the last vector
  bool adds;
};

/// sums += the number · its row of the right operand.
template <int first, int vectors>
NCF_AVX512_INLINE void add_number(const float* number, const float* right, const float* other, __m512* sums) {
  const __m512 all = broadcast(number);
#pragma GCC unroll 8
  for (int j = 0; j < vectors; ++j)
    sums[j] = _mm512_fmadd_ps(
        all, _mm512_loadu_ps(j < first ? right + j * lanes : other + (j - first) * lanes), sums[j]);
}

/// One chunk of the right operand.
struct Panels {
  const float *first, *second;
  int64_t row, second_row;  // from a row to the next
};

/// Rows r and the next, n of them together: by turns, so that their sums need not wait for themselves.
template <int first, int second, int n>
NCF_AVX512_INLINE void multiply_rows(const Tile& tile, const Panels& panels, int64_t chunk, int64_t chunks,
                                     int64_t r) {
  constexpr int vectors = first + second;
  const float* left[n];
  float* room[n];
  uint64_t bits[n];
  __m512 sums[n][vectors];
#pragma GCC unroll 2
  for (int i = 0; i < n; ++i) {
    left[i] = tile.left.rows.row(r + i) + chunk * tile.left.chunk;
    room[i] = tile.room + (r + i) * tile.room_stride;
    bits[i] = tile.left.bits[(r + i) * chunks + chunk];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j)
      sums[i][j] = chunk == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(room[i] + j * lanes);
  }
  if constexpr (n == 2)
    for (int both = std::min(std::popcount(bits[0]), std::popcount(bits[1])); both > 0; --both) {
#pragma GCC unroll 2
      for (int i = 0; i < n; ++i) {
        const int64_t k = std::countr_zero(bits[i]);
        bits[i] &= bits[i] - 1;
        add_number<first, vectors>(left[i] + k, panels.first + k * panels.row,
                                   panels.second + k * panels.second_row, sums[i]);
      }
    }
#pragma GCC unroll 2
  for (int i = 0; i < n; ++i)
    for (; bits[i] != 0; bits[i] &= bits[i] - 1) {
      const int64_t k = std::countr_zero(bits[i]);
      add_number<first, vectors>(left[i] + k, panels.first + k * panels.row,
                                 panels.second + k * panels.second_row, sums[i]);
    }
#pragma GCC unroll 2
  for (int i = 0; i < n; ++i) {
    if (chunk + 1 < chunks) {
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) _mm512_storeu_ps(room[i] + j * lanes, sums[i][j]);
      continue;
    }
    float* out = tile.out + (r + i) * tile.stride;
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j, out += lanes) {
      const auto columns = static_cast<__mmask16>(j + 1 < vectors ? 0xffff : tile.last);
      if (tile.adds) sums[i][j] = _mm512_add_ps(sums[i][j], _mm512_maskz_loadu_ps(columns, out));
      _mm512_mask_storeu_ps(out, columns, sums[i][j]);
    }
  }
}

template <int first, int second, bool in_place>
NCF_AVX512 void multiply_present(const Tile& of_tile) {
  constexpr int at_once = first + second < latency ? 2 : 1;
  const Tile tile = of_tile;  // the compiler knows that no store changes it
  const int64_t chunks = tile.left.chunks();
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t from = chunk * tile.left.chunk;
    const int64_t row = in_place ? tile.row : first * lanes, other_row = in_place ? tile.row : second * lanes;
    const float* const panel = tile.panels + from * row;
    const float* const other =
        in_place ? panel + first * lanes : tile.panels + tile.left.rows.cols * row + from * other_row;
    const Panels panels{panel, other, row, other_row};
    int64_t r = 0;
    for (; r + at_once <= tile.left.rows.rows; r += at_once)
      multiply_rows<first, second, at_once>(tile, panels, chunk, chunks, r);
    if (at_once > 1 && r < tile.left.rows.rows)
      multiply_rows<first, second, 1>(tile, panels, chunk, chunks, r);
  }
}

template <bool in_place>
void multiply_present(const Tile& tile, int64_t first, int64_t second) {
  const auto is = [&](int64_t a, int64_t b) { return first == a && second == b; };
  if (is(1, 0)) return multiply_present<1, 0, in_place>(tile);
  if (is(2, 0)) return multiply_present<2, 0, in_place>(tile);
  if (is(3, 0)) return multiply_present<3, 0, in_place>(tile);
  if (is(4, 0)) return multiply_present<4, 0, in_place>(tile);
  if (is(3, 2)) return multiply_present<3, 2, in_place>(tile);
  if (is(3, 3)) return multiply_present<3, 3, in_place>(tile);
  if (is(4, 3)) return multiply_present<4, 3, in_place>(tile);
  return multiply_present<4, 4, in_place>(tile);
}
/// Panels of so many vectors, nearly equal ones; second 0: one panel.
void multiply_present(const Tile& tile, int64_t first, int64_t second) {
  tile.row == 0 ? multiply_present<false>(tile, first, second) : multiply_present<true>(tile, first, second);
}

}  // namespace

bool reads_in_place(ConstMatrixView right, const Shares& panels) {
  const int64_t vectors = panels.parts * panels.least + panels.larger;
  return panels.parts <= 2 && right.stride == vectors * lanes &&
         reinterpret_cast<uintptr_t>(right.data) % (lanes * sizeof(float)) == 0;
}

bool skip_zeros(Left<float> left, bool side_by_side, int64_t words, const Shares& panels, const float* right,
                bool in_place, MatrixView c, bool adds) {
  assert(panels.most <= widest);
  thread_local AlignedVector<float> turned, room;
  thread_local AlignedVector<uint64_t> bits;
  if (side_by_side) left = turn(left, c.rows, words, turned);
  const int64_t pair = panels.part(0) + (panels.parts > 1 ? panels.part(1) : 0);  // the widest
  Sparse sparse{{left.data, c.rows, words, left.row}, chunk_of(pair), nullptr};
  reserve(bits, c.rows * sparse.chunks());
  sparse.bits = bits.data();
  if (!skipping_pays(find_present(sparse.rows, sparse.chunk, bits.data()), c.rows * words)) return false;
  reserve(room, c.rows * 2 * widest * lanes);
  for (int64_t p = 0, column = 0; p < panels.parts; p += 2) {
    const int64_t first = panels.part(p), second = p + 1 < panels.parts ? panels.part(p + 1) : 0,
                  vectors = first + second;
    const uint16_t last = lanes_from(column + (vectors - 1) * lanes, c.cols);
    const bool sums_in_place = !adds && last == 0xffff;
    multiply_present({.left = sparse,
                      .panels = right,
                      .row = in_place ? vectors * lanes : 0,
                      .room = sums_in_place ? c.data + column : room.data(),
                      .out = c.data + column,
                      .room_stride = sums_in_place ? c.stride : vectors * lanes,
                      .stride = c.stride,
                      .last = last,
                      .adds = adds},
                     first, second);
    right += words * vectors * lanes;
    column += vectors * lanes;
  }
  return true;
}

}  // namespace ncf

#endif
