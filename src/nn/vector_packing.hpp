#pragma once
// Operands of gemm_vector.cpp in words, as its tiles read them. A word is what a lane multiplies at once: a
// float, or two bfloat16 numbers that follow each other in the sum.
//
// Of the right operand, panels of up to four vectors: for each word of the sums the words of the panel's
// columns, zeros where there is no column or no number. A left operand of floats is read where it is.
//
// To be included where NCF_AVX512 is defined.

#include <immintrin.h>

#include <algorithm>

#include "lanes.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/target.hpp"

namespace ncf::in_vectors {

#define NCF_AVX512_INLINE NCF_INLINE NCF_AVX512

/// `whole` in as few parts as have at most `most`, nearly equal ones, the larger ones first.
struct Shares {
  int64_t most, parts, least, larger;
  Shares(int64_t whole, int64_t of_a_part)
      : most(of_a_part), parts((whole + most - 1) / most), least(whole / parts), larger(whole % parts) {}
  int64_t part(int64_t k) const { return least + (k < larger ? 1 : 0); }
};

/// Some words of a left operand: how far from a row to the next, and from a word to the next.
template <class Word>
struct Left {
  const Word* data;
  int64_t row, word;
};

struct Float32 {
  using Word = float;
  static constexpr int64_t a_word = 1;  // numbers
  static NCF_AVX512_INLINE __m512 to_all_lanes(Word word) { return _mm512_set1_ps(word); }
  static NCF_AVX512_INLINE void add_product(__m512& sum, __m512 left, __m512 right) {
    sum = _mm512_fmadd_ps(left, right, sum);
  }
  /// Words of 16 columns from the numbers of rows that follow each other, of which there are `rows`.
  static NCF_AVX512_INLINE __m512 from_column(const float* row, int64_t, int64_t, uint16_t columns) {
    return _mm512_maskz_loadu_ps(columns, row);
  }
  /// Up to 16 words of a row, of which `count` numbers are left.
  static NCF_AVX512_INLINE __m512 from_row(const float* row, int64_t count) {
    return _mm512_maskz_loadu_ps(lanes_from(0, count), row);
  }
};

/// 0, 16, 1, 17, ...: numbers of two rows by turns.
struct Turns {
  int16_t of[2 * lanes] = {};
  constexpr Turns() {
    for (int k = 0; k < 2 * lanes; ++k) of[k] = static_cast<int16_t>(k / 2 + k % 2 * lanes);
  }
};

struct Bfloat16 {
  using Word = uint32_t;
  static constexpr int64_t a_word = 2;
  static NCF_AVX512_INLINE __m512 to_all_lanes(Word word) {
    return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(word)));
  }
  static NCF_AVX512_INLINE void add_product(__m512& sum, __m512 left, __m512 right) {
    sum = _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(left), reinterpret_cast<__m512bh>(right));
  }
  static NCF_AVX512_INLINE __m512 from_column(const float* row, int64_t stride, int64_t rows,
                                              uint16_t columns) {
    alignas(64) static constexpr Turns by_turns;
    const __m512 first = _mm512_maskz_loadu_ps(columns, row),
                 second = rows > 1 ? _mm512_maskz_loadu_ps(columns, row + stride) : _mm512_setzero_ps();
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(
        _mm512_load_si512(by_turns.of), reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first))));
  }
  static NCF_AVX512_INLINE __m512 from_row(const float* row, int64_t count) {
    const __m512 first = _mm512_maskz_loadu_ps(lanes_from(0, count), row),
                 second = _mm512_maskz_loadu_ps(lanes_from(lanes, count), row + lanes);
    return reinterpret_cast<__m512>(_mm512_cvtne2ps_pbh(second, first));
  }
};

template <class Numbers>
int64_t words_of(int64_t numbers) {
  return (numbers + Numbers::a_word - 1) / Numbers::a_word;
}
inline int64_t vectors_of(int64_t words) {
  return (words + lanes - 1) / lanes;
}

template <class Word>
void reserve(AlignedVector<Word>& words, int64_t count) {
  if (std::ssize(words) < count) words.resize(static_cast<std::size_t>(count));
}

/// A panel from rows of numbers, from column `first` on.
template <class Numbers>
NCF_AVX512 void pack_panel(ConstMatrixView from, int64_t first, int64_t vectors, typename Numbers::Word* to) {
  for (int64_t k = 0; k < from.rows; k += Numbers::a_word)
    for (int64_t v = 0; v < vectors; ++v, to += lanes) {
      const int64_t column = first + v * lanes;
      _mm512_store_ps(to, Numbers::from_column(from.row(k) + column, from.stride, from.rows - k,
                                               lanes_from(column, from.cols)));
    }
}

/// A panel from columns of numbers, which are rows of `from`, from row `first` on.
template <class Numbers>
NCF_AVX512 void pack_turned(ConstMatrixView from, int64_t first, int64_t vectors, int64_t words,
                            typename Numbers::Word* to) {
  for (int64_t v = 0; v < vectors; ++v, to += lanes)
    for (int64_t w = 0; w < words; w += lanes) {
      const int64_t k = w * Numbers::a_word;
      Lanes square[lanes];
#pragma GCC unroll 16
      for (int64_t i = 0; i < lanes; ++i) {
        const int64_t row = first + v * lanes + i;
        square[i] = row < from.rows
                        ? reinterpret_cast<Lanes>(Numbers::from_row(from.row(row) + k, from.cols - k))
                        : Lanes{};
      }
      transpose(square);
      for (int64_t i = 0; i < std::min(lanes, words - w); ++i)
        _mm512_store_ps(to + (w + i) * vectors * lanes, reinterpret_cast<__m512>(square[i]));
    }
}

/// All panels of a right operand, behind each other.
template <class Numbers>
void pack_right(ConstMatrixView from, Op op, const Shares& panels, int64_t words,
                AlignedVector<typename Numbers::Word>& buffer) {
  reserve(buffer, words * (panels.parts * panels.most) * lanes);
  auto* to = buffer.data();
  for (int64_t p = 0, column = 0; p < panels.parts; ++p) {
    const int64_t vectors = panels.part(p);
    op == Op::none ? pack_panel<Numbers>(from, column, vectors, to)
                   : pack_turned<Numbers>(from, column, vectors, words, to);
    to += words * vectors * lanes;
    column += vectors * lanes;
  }
}

/// Columns of a right operand, each with its words behind each other, zeros to the end of the last vector.
template <class Word>
struct Few {
  const Word* data = nullptr;
  int64_t stride = 0;
  const Word* column(int64_t j) const { return data + j * stride; }
};

template <class Numbers>
Few<typename Numbers::Word> pack_few(ConstMatrixView from, Op op, int64_t first, int64_t count, int64_t words,
                                     AlignedVector<typename Numbers::Word>& buffer) {
  const int64_t stride = vectors_of(words) * lanes;
  reserve(buffer, count * stride + words * lanes);
  auto *const to = buffer.data(), *const panel = to + count * stride;
  op == Op::none ? pack_panel<Numbers>(from, first, 1, panel)
                 : pack_turned<Numbers>(from, first, 1, words, panel);
  std::fill_n(to, count * stride, typename Numbers::Word{0});
  for (int64_t l = 0; l < words; ++l)
    for (int64_t j = 0; j < count; ++j) to[j * stride + l] = panel[l * lanes + j];
  return {to, stride};
}

/// A left operand in pairs: row by row, or, transposed, its columns' pairs side by side.
template <class Numbers>
NCF_AVX512 void pack_left(ConstMatrixView from, Op op, int64_t stride, typename Numbers::Word* to) {
  if (op == Op::none) {
    for (int64_t r = 0; r < from.rows; ++r, to += stride)
      for (int64_t k = 0; k < from.cols; k += Numbers::a_word * lanes)
        _mm512_store_ps(to + k / Numbers::a_word, Numbers::from_row(from.row(r) + k, from.cols - k));
    return;
  }
  for (int64_t k = 0; k < from.rows; k += Numbers::a_word, to += stride)
    for (int64_t c = 0; c < from.cols; c += lanes)
      _mm512_store_ps(to + c, Numbers::from_column(from.row(k) + c, from.stride, from.rows - k,
                                                   lanes_from(c, from.cols)));
}

template <class Numbers>
Left<typename Numbers::Word> left_of(ConstMatrixView from, Op op,
                                     AlignedVector<typename Numbers::Word>& buffer) {
  if constexpr (Numbers::a_word == 1) {
    return {from.data, op == Op::none ? from.stride : 1, op == Op::none ? 1 : from.stride};
  } else {
    const int64_t stride = vectors_of(op == Op::none ? words_of<Numbers>(from.cols) : from.cols) * lanes;
    reserve(buffer, stride * (op == Op::none ? from.rows : words_of<Numbers>(from.rows)));
    pack_left<Numbers>(from, op, stride, buffer.data());
    return {buffer.data(), op == Op::none ? stride : 1, op == Op::none ? 1 : stride};
  }
}

/// Words side by side become rows of words, zeros to the end of their last vector.
template <class Word>
NCF_AVX512 Left<Word> turn(const Left<Word>& left, int64_t rows, int64_t words, AlignedVector<Word>& buffer) {
  const int64_t stride = vectors_of(words) * lanes;
  reserve(buffer, rows * stride);
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
        _mm512_store_ps(buffer.data() + (r + i) * stride + w, reinterpret_cast<__m512>(square[i]));
    }
  return {buffer.data(), stride, 1};
}

}  // namespace ncf::in_vectors
