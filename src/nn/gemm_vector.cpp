// Loops around tiles as in Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
// some words of the sums, all columns packed; some rows; a panel of columns; a tile of rows.
#include "gemm_vector.hpp"

#include "gemm_skip.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/target.hpp"

#ifdef NCF_AVX512

#include <algorithm>
#include <type_traits>
#include <utility>

#include "vector_packing.hpp"

namespace ncf {
namespace {

using namespace in_vectors;

constexpr int64_t words_at_once = 256;  // of the sums: so long are packed panels
constexpr int64_t rows_at_once = 384;   // of the left operand: what stays in the second cache meanwhile
constexpr int64_t widest = 4;           // vectors of a panel
/// Rows of a tile by the vectors of its panel: sums and what is multiplied fill the 32 registers.
constexpr int64_t most_rows[widest + 1] = {0, 12, 12, 8, 6};

/// A tile of sums and where it goes.
template <class Word>
struct Tile {
  Left<Word> left;
  const Word* panel;
  int64_t words;
  float* out;
  int64_t stride;
  uint16_t last;  // columns of the last vector
  bool adds;
};

/// `side_by_side`: one word of every row, then the next of every row, as in a transposed left operand; else a
/// row's words follow each other.
template <class Numbers, bool side_by_side, int rows, int vectors>
NCF_AVX512 void multiply(const Tile<typename Numbers::Word>& tile) {
  __m512 sums[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) sums[i][j] = _mm512_setzero_ps();
  const auto* left = tile.left.data;
  const auto* panel = tile.panel;
  const int64_t row = side_by_side ? 1 : tile.left.row, word = side_by_side ? tile.left.word : 1;
#pragma GCC unroll 2
  for (int64_t l = 0; l < tile.words; ++l, left += word, panel += vectors * lanes) {
    __m512 right[vectors];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) right[j] = _mm512_loadu_ps(panel + j * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const __m512 all = Numbers::to_all_lanes(left[i * row]);
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) Numbers::add_product(sums[i][j], all, right[j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    float* out = tile.out + i * tile.stride;
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j, out += lanes) {
      const auto columns = static_cast<__mmask16>(j + 1 < vectors ? 0xffff : tile.last);
      __m512 sum = sums[i][j];
      if (tile.adds) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(columns, out));
      _mm512_mask_storeu_ps(out, columns, sum);
    }
  }
}

/// Up to four columns, too few for a vector: vectors of words are multiplied with vectors of words, and their
/// lanes added up at the end.
template <class Numbers, int rows, int columns>
NCF_AVX512 void multiply_few(const Left<typename Numbers::Word>& left,
                             const Few<typename Numbers::Word>& right, int64_t words, MatrixView out,
                             bool adds) {
  static_assert(rows * columns <= lanes);
  Lanes sums[lanes] = {};
  for (int64_t l = 0; l < words; l += lanes) {
    const __mmask16 some = lanes_from(l, words);
    __m512 from_right[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) from_right[j] = _mm512_loadu_ps(right.column(j) + l);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const __m512 from_left =
          _mm512_castsi512_ps(_mm512_maskz_loadu_epi32(some, left.data + i * left.row + l));
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j)
        Numbers::add_product(reinterpret_cast<__m512&>(sums[i * columns + j]), from_left, from_right[j]);
    }
  }
  add_lanes(sums);
  const auto all = reinterpret_cast<__m512>(sums[0]);
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    constexpr auto some = static_cast<__mmask16>((1U << columns) - 1);
    const auto mine = static_cast<__mmask16>(some << (i * columns));
    __m512 sum = _mm512_maskz_compress_ps(mine, all);  // to the first lanes
    if (adds) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(some, out.row(i)));
    _mm512_mask_storeu_ps(out.row(i), some, sum);
  }
}

template <class Numbers, int columns>
void multiply_few_columns(Left<typename Numbers::Word> left, const Few<typename Numbers::Word>& right,
                          int64_t words, MatrixView out, bool adds) {
  constexpr int at_once = static_cast<int>(lanes) / columns;
  int64_t r = 0;
  for (; r + at_once <= out.rows; r += at_once, left.data += at_once * left.row)
    multiply_few<Numbers, at_once, columns>(left, right, words, out.rows_from(r, at_once), adds);
  for (; r < out.rows; ++r, left.data += left.row)
    multiply_few<Numbers, 1, columns>(left, right, words, out.rows_from(r, 1), adds);
}
template <class Numbers>
void multiply_few_columns(const Left<typename Numbers::Word>& left, const Few<typename Numbers::Word>& right,
                          int64_t words, MatrixView out, bool adds) {
  if (out.cols == 1) multiply_few_columns<Numbers, 1>(left, right, words, out, adds);
  if (out.cols == 2) multiply_few_columns<Numbers, 2>(left, right, words, out, adds);
  if (out.cols == 3) multiply_few_columns<Numbers, 3>(left, right, words, out, adds);
  if (out.cols == 4) multiply_few_columns<Numbers, 4>(left, right, words, out, adds);
}

template <class Numbers>
using Multiply = void (*)(const Tile<typename Numbers::Word>&);

template <class Numbers, bool side_by_side, int vectors, int... rows>
Multiply<Numbers> of_rows(int64_t count, std::integer_sequence<int, rows...>) {
  static constexpr Multiply<Numbers> all[] = {multiply<Numbers, side_by_side, rows + 1, vectors>...};
  return all[count - 1];
}
template <class Numbers, bool side_by_side>
Multiply<Numbers> of_shape(int64_t rows, int64_t vectors) {
  const auto any = [&]<int n>(std::integral_constant<int, n>) {
    return of_rows<Numbers, side_by_side, n>(rows, std::make_integer_sequence<int, most_rows[n]>());
  };
  switch (vectors) {
    case 1:
      return any(std::integral_constant<int, 1>());
    case 2:
      return any(std::integral_constant<int, 2>());
    case 3:
      return any(std::integral_constant<int, 3>());
    default:
      return any(std::integral_constant<int, 4>());
  }
}

/// All tiles of some rows and one panel.
template <class Numbers, bool side_by_side>
void multiply_rows(Tile<typename Numbers::Word> tile, int64_t rows, int64_t vectors) {
  const Shares shares(rows, most_rows[vectors]);
  const auto larger = of_shape<Numbers, side_by_side>(shares.part(0), vectors),
             smaller = of_shape<Numbers, side_by_side>(shares.least, vectors);
  for (int64_t t = 0; t < shares.parts; ++t) {
    (t < shares.larger ? larger : smaller)(tile);
    tile.left.data += shares.part(t) * tile.left.row;
    tile.out += shares.part(t) * tile.stride;
  }
}

/// How many of the last columns are better multiplied apart: those that would fill a quarter of a vector or
/// less, if that is less work. (Where rows are summed up the sides could change places for it; no gain.)
template <class Numbers>
int64_t few_of(Op op_a, int64_t columns, int64_t numbers) {
  constexpr int64_t most = lanes / 4, adding_up = 3;  // what a sum's lanes take, in products of vectors
  const int64_t few = columns % lanes, words = words_of<Numbers>(numbers);
  if (op_a == Op::transpose || columns < lanes || few > most) return 0;
  return few * (vectors_of(words) + adding_up) < words ? few : 0;
}

/// c = left · the packed panels, added to c if `adds`.
template <class Numbers, bool side_by_side>
void multiply_panels(const Left<typename Numbers::Word>& left, const Shares& panels, int64_t words,
                     const typename Numbers::Word* panel, MatrixView c, bool adds) {
  for (int64_t p = 0, column = 0; p < panels.parts; ++p) {
    const int64_t vectors = panels.part(p);
    multiply_rows<Numbers, side_by_side>({.left = left,
                                          .panel = panel,
                                          .words = words,
                                          .out = c.data + column,
                                          .stride = c.stride,
                                          .last = lanes_from(column + (vectors - 1) * lanes, c.cols),
                                          .adds = adds},
                                         c.rows, vectors);
    panel += words * vectors * lanes;
    column += vectors * lanes;
  }
}

template <class Numbers>
void multiply_all(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds,
                  Zeros in_a) {
  using Word = typename Numbers::Word;
  thread_local AlignedVector<Word> left_words, right_words, few_words;
  const bool turned = op_a == Op::transpose;
  const int64_t numbers = turned ? a.rows : a.cols, step = words_at_once * Numbers::a_word;
  const int64_t few = few_of<Numbers>(op_a, c.cols, numbers), many = c.cols - few;
  const Shares panels(vectors_of(many), widest);
  for (int64_t k = 0; k < numbers; k += step) {
    const int64_t count = std::min(step, numbers - k), words = words_of<Numbers>(count);
    const ConstMatrixView right = op_b == Op::none ? b.rows_from(k, count) : b.cols_from(k, count);
    const bool adds_now = adds || k > 0;
    bool packed = false;
    const auto pack = [&] {
      if (!std::exchange(packed, true)) pack_right<Numbers>(right, op_b, panels, words, right_words);
    };
    Few<Word> last;
    if (few > 0) last = pack_few<Numbers>(right, op_b, many, few, words, few_words);
    for (int64_t r = 0; r < c.rows; r += rows_at_once) {
      const int64_t rows = std::min(rows_at_once, c.rows - r);
      const ConstMatrixView part =
          turned ? a.rows_from(k, count).cols_from(r, rows) : a.rows_from(r, rows).cols_from(k, count);
      const MatrixView out = c.rows_from(r, rows);
      const Left<Word> left = left_of<Numbers>(part, op_a, left_words);
      if (few > 0) multiply_few_columns<Numbers>(left, last, words, out.cols_from(many, few), adds_now);
      const MatrixView of_panels = out.cols_from(0, many);
      if constexpr (std::is_same_v<Numbers, Float32>)
        if (in_a == Zeros::many) {
          const bool in_place = op_b == Op::none && reads_in_place(right, panels);
          if (!in_place) pack();
          if (skip_zeros(left, turned, words, panels, in_place ? right.data : right_words.data(), in_place,
                         of_panels, adds_now))
            continue;
        }
      pack();
      turned ? multiply_panels<Numbers, true>(left, panels, words, right_words.data(), of_panels, adds_now)
             : multiply_panels<Numbers, false>(left, panels, words, right_words.data(), of_panels, adds_now);
    }
  }
}

}  // namespace

void gemm_vector(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, bool adds,
                 Precision precision, Zeros in_a) {
  if (precision == Precision::fp32) return multiply_all<Float32>(a, op_a, b, op_b, c, adds, in_a);
  // Decided by the shape alone, as the bits are not those of the tiles; fewer columns gain too little.
  constexpr int64_t enough = 65;
  if (in_a == Zeros::many && c.cols >= enough) return gemm_skip_bf16(a, op_a, b, op_b, c, adds);
  multiply_all<Bfloat16>(a, op_a, b, op_b, c, adds, in_a);
}

}  // namespace ncf

#else

namespace ncf {

void gemm_vector(ConstMatrixView, Op, ConstMatrixView, Op, MatrixView, bool, Precision, Zeros) {
  throw Error(ErrorKind::internal, "this program was built without AVX-512");
}

}  // namespace ncf

#endif
