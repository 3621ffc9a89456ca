#pragma once
// Products whose left operand has many zeros, such as what ReLU leaves: of each row only the words that are
// not zero are gone through, by a bit for each, and multiplied with vectors of the right operand. Each
// multiplication loads a vector, which takes no time of its own, as one of each is done in a cycle: with half
// zeros it is half the time, but for finding the bits. A sum's terms are added in the order of
// gemm_vector.cpp's tiles, so its bits are the same: 0 · b adds nothing, unless b is not finite.
//
// To be included where NCF_AVX512 is defined.

#include <bit>
#include <optional>
#include <vector>

#include "vector_packing.hpp"

namespace ncf::in_vectors {

constexpr int64_t words_of_bits = 64;  // so many rows of two panels stay in the first cache

/// Rows of a left operand, their words one after the other, and a bit for each word that is not zero.
template <class Word>
struct Sparse {
  const Word* data;
  int64_t stride, rows, words;
  const uint64_t* bits;  // [rows × chunks()]
  int64_t chunks() const { return (words + words_of_bits - 1) / words_of_bits; }
};

/// Of 16 words or, from `left` on, fewer.
template <class Numbers>
NCF_AVX512_INLINE uint64_t present_lanes(const typename Numbers::Word* left, uint16_t there) {
  return _mm512_test_epi32_mask(_mm512_maskz_loadu_epi32(there, left), _mm512_set1_epi32(Numbers::not_signs));
}
/// Of 64 words or fewer.
template <class Numbers>
NCF_AVX512_INLINE uint64_t present_words(const typename Numbers::Word* left, int64_t words) {
  uint64_t bits = 0;
  if (words >= words_of_bits) {
#pragma GCC unroll 4
    for (int64_t j = 0; j < words_of_bits; j += lanes) bits |= present_lanes<Numbers>(left + j, 0xffff) << j;
    return bits;
  }
  for (int64_t j = 0; j < words; j += lanes)
    bits |= present_lanes<Numbers>(left + j, lanes_from(j, words)) << j;
  return bits;
}

/// The bits. Returns how many are set.
template <class Numbers>
NCF_AVX512 int64_t find_present(const Sparse<typename Numbers::Word>& left, uint64_t* bits) {
  int64_t count = 0;
  for (int64_t r = 0; r < left.rows; ++r)
    for (int64_t w = 0; w < left.words; w += words_of_bits, ++bits) {
      *bits = present_words<Numbers>(left.data + r * left.stride + w, left.words - w);
      count += std::popcount(*bits);
    }
  return count;
}

/// Whether it is worth looking for zeros: pairs of numbers are seldom both 0, and with few columns finding
/// them takes what is gained. Measured, as the next.
template <class Numbers>
bool may_pay(int64_t vectors) {
  return Numbers::a_word == 1 || vectors > 4;
}
/// Whether skipping zeros is quicker when so many words are not zero.
inline bool skipping_pays(int64_t present, int64_t words) {
  return 3 * present <= 2 * words;
}

/// Sums of all rows with one panel or two that follow each other, and where they go.
template <class Word>
struct SparseTile {
  Sparse<Word> left;
  const Word* panels;
  float *room, *out;  // [rows × the panels' vectors], which may be where they go; [rows × columns]
  int64_t room_stride, stride;
  uint16_t last;  // columns of the last vector
  bool adds;
};

template <class Numbers, int first, int second>
NCF_AVX512 void multiply_present(const SparseTile<typename Numbers::Word>& of_tile) {
  constexpr int vectors = first + second;
  const auto tile = of_tile;  // the compiler knows that no store changes it
  const int64_t chunks = tile.left.chunks();
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t from = chunk * words_of_bits;
    const auto *const panel = tile.panels + from * first * lanes, *const other =
                                                                      tile.panels + (tile.left.words * first +
                                                                                     from * second) *
                                                                                        lanes;
    for (int64_t r = 0; r < tile.left.rows; ++r) {
      const auto* const left = tile.left.data + r * tile.left.stride + from;
      float* const room = tile.room + r * tile.room_stride;
      __m512 sums[vectors];
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j)
        sums[j] = chunk == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(room + j * lanes);
      for (uint64_t bits = tile.left.bits[r * chunks + chunk]; bits != 0; bits &= bits - 1) {
        const int64_t word = std::countr_zero(bits);
        const __m512 all = Numbers::to_all_lanes(left[word]);
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j)
          Numbers::add_product(sums[j], all,
                               _mm512_loadu_ps(j < first ? panel + (word * first + j) * lanes
                                                         : other + (word * second + j - first) * lanes));
      }
      if (chunk + 1 < chunks) {
#pragma GCC unroll 8
        for (int j = 0; j < vectors; ++j) _mm512_storeu_ps(room + j * lanes, sums[j]);
        continue;
      }
      float* out = tile.out + r * tile.stride;
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j, out += lanes) {
        const auto columns = static_cast<__mmask16>(j + 1 < vectors ? 0xffff : tile.last);
        if (tile.adds) sums[j] = _mm512_add_ps(sums[j], _mm512_maskz_loadu_ps(columns, out));
        _mm512_mask_storeu_ps(out, columns, sums[j]);
      }
    }
  }
}

/// Panels of so many vectors; second 0: one panel.
template <class Numbers>
void multiply_present(const SparseTile<typename Numbers::Word>& tile, int64_t first, int64_t second) {
  switch (first * 10 + second) {
    case 10:
      return multiply_present<Numbers, 1, 0>(tile);
    case 20:
      return multiply_present<Numbers, 2, 0>(tile);
    case 30:
      return multiply_present<Numbers, 3, 0>(tile);
    case 40:
      return multiply_present<Numbers, 4, 0>(tile);
    case 32:
      return multiply_present<Numbers, 3, 2>(tile);
    case 33:
      return multiply_present<Numbers, 3, 3>(tile);
    case 43:
      return multiply_present<Numbers, 4, 3>(tile);
    default:
      return multiply_present<Numbers, 4, 4>(tile);
  }
}

/// Words side by side become rows of words.
template <class Word>
NCF_AVX512 void turn(const Left<Word>& left, int64_t rows, int64_t words, int64_t stride, Word* to) {
  for (int64_t r = 0; r < rows; r += lanes)
    for (int64_t w = 0; w < words; w += lanes) {
      Lanes square[lanes];
      const uint16_t there = lanes_from(r, rows);
      for (int64_t i = 0; i < lanes; ++i)
        square[i] = w + i < words ? reinterpret_cast<Lanes>(
                                        _mm512_maskz_loadu_epi32(there, left.data + (w + i) * left.word + r))
                                  : Lanes{};
      transpose(square);
      for (int64_t i = 0; i < std::min(lanes, rows - r); ++i)
        _mm512_store_ps(to + (r + i) * stride + w, reinterpret_cast<__m512>(square[i]));
    }
}

/// c = left · the packed panels, added to c if `adds`, without the zeros of `left`; false, and nothing done,
/// where skipping them does not pay. `side_by_side` as of the tiles.
template <class Numbers>
bool skip_zeros(Left<typename Numbers::Word> left, bool side_by_side, int64_t words, const Shares& panels,
                const typename Numbers::Word* panel, MatrixView c, bool adds) {
  using Word = typename Numbers::Word;
  thread_local AlignedVector<Word> turned;
  thread_local std::vector<uint64_t> bits;
  thread_local AlignedVector<float> room;
  if (side_by_side) {
    const int64_t stride = vectors_of(words) * lanes;
    reserve(turned, c.rows * stride);
    turn(left, c.rows, words, stride, turned.data());
    left = {turned.data(), stride, 1};
  }
  Sparse<Word> sparse{left.data, left.row, c.rows, words, nullptr};
  if (std::ssize(bits) < c.rows * sparse.chunks())
    bits.resize(static_cast<std::size_t>(c.rows * sparse.chunks()));
  sparse.bits = bits.data();
  if (!skipping_pays(find_present<Numbers>(sparse, bits.data()), c.rows * words)) return false;
  reserve(room, c.rows * 2 * panels.most * lanes);
  for (int64_t p = 0, column = 0; p < panels.parts; p += 2) {
    const int64_t first = panels.part(p), second = p + 1 < panels.parts ? panels.part(p + 1) : 0,
                  vectors = first + second;
    const uint16_t last = lanes_from(column + (vectors - 1) * lanes, c.cols);
    const bool in_place = !adds && last == 0xffff;
    multiply_present<Numbers>({.left = sparse,
                               .panels = panel,
                               .room = in_place ? c.data + column : room.data(),
                               .out = c.data + column,
                               .room_stride = in_place ? c.stride : vectors * lanes,
                               .stride = c.stride,
                               .last = last,
                               .adds = adds},
                              first, second);
    panel += words * vectors * lanes;
    column += vectors * lanes;
  }
  return true;
}

}  // namespace ncf::in_vectors
