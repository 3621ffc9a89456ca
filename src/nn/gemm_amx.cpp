// A tile is 16 rows of 64 bytes: of the left operand 16 × 32 numbers, of the right one 32 × 16, two rows of
// it side by side in pairs, of the product 16 × 16 sums (Intel's Software Developer's Manual, TDPBF16PS).
// Operands are packed tile by tile, so that every load of a tile reads one kilobyte. Which numbers make a
// pair is free as long as it is the same on both sides: here those that are 16 apart, which are in the same
// lane of two registers.
#include "gemm_amx.hpp"

#include "lanes.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/target.hpp"

#ifdef NCF_AMX

#include <immintrin.h>

#include <algorithm>

namespace ncf {
namespace {

constexpr int64_t side = 16;            // of a tile of sums
constexpr int64_t depth = 32;           // numbers that are summed up by one instruction
constexpr int64_t tile = side * depth;  // numbers of a tile
constexpr int64_t block = 2 * side;     // rows and columns of sums that are in registers at once
/// Numbers of a sum that are packed at once: with more the blocks would leave the first cache.
template <int parts>
constexpr int64_t at_once = parts == 1 ? 128 : 64;

int64_t tiles(int64_t numbers, int64_t of_tile) {
  return (numbers + of_tile - 1) / of_tile;
}

/// Which of the 16 lanes from column `first` on exist.
__mmask16 lanes_from(int64_t first, int64_t cols) {
  const int64_t rest = std::clamp<int64_t>(cols - first, 0, lanes);
  return static_cast<__mmask16>((1U << rest) - 1);
}

/// Takes the upper half of a float, rounded, off 16 floats; what is left of them is exact.
NCF_AMX inline __m512i take_part(__m512& x) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000));
  const __m512i part = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), upper);
  x = _mm512_sub_ps(x, _mm512_castsi512_ps(part));
  return part;
}

/// 0, 16, 1, 17, ...: the halves of a register by turns.
NCF_AMX inline __m512i by_turns() {
  alignas(64) int16_t order[2 * lanes];
  for (int k = 0; k < 2 * lanes; ++k) order[k] = static_cast<int16_t>(k / 2 + k % 2 * lanes);
  return _mm512_load_si512(order);
}

/// The parts of 32 floats, one of each register in a pair.
template <int parts>
NCF_AMX inline void split(__m512 first, __m512 second, __m512i turns, __m512i (&out)[parts]) {
  if constexpr (parts == 1) {
    out[0] = _mm512_permutexvar_epi16(turns, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
  } else {
    for (int p = 0; p < parts; ++p) {
      const __m512i a = p + 1 < parts ? take_part(first) : _mm512_castps_si512(first);
      const __m512i b = p + 1 < parts ? take_part(second) : _mm512_castps_si512(second);
      out[p] = _mm512_or_si512(_mm512_maskz_srli_epi32(0xffff, a, 16), b);
    }
  }
}

/// Packed tiles of an operand: part after part, each with `plane` numbers.
struct Packed {
  uint16_t* data;
  int64_t plane;

  uint16_t* part(int p) const { return data + p * plane; }
  Packed from(int64_t numbers) const { return {data + numbers, plane}; }
};

template <int parts>
NCF_AMX inline void store(const __m512i (&from)[parts], Packed to) {
  for (int p = 0; p < parts; ++p) _mm512_store_si512(to.part(p), from[p]);
}

/// Left operand, a block of rows: tiles of 16 rows × 32 columns, those of the same rows behind each other.
template <int parts>
NCF_AMX void pack_rows(ConstMatrixView from, Packed to) {
  const __m512i turns = by_turns(), zeros[parts] = {};
  for (int64_t i = 0; i < block; i += side)
    for (int64_t k = 0; k < from.cols; k += depth) {
      const __mmask16 first = lanes_from(k, from.cols), second = lanes_from(k + lanes, from.cols);
      for (int64_t r = i; r < i + side; ++r, to = to.from(depth)) {
        if (r >= from.rows) {
          store(zeros, to);
          continue;
        }
        const float* at = from.row(r) + k;
        __m512i out[parts];
        split(_mm512_maskz_loadu_ps(first, at), _mm512_maskz_loadu_ps(second, at + lanes), turns, out);
        store(out, to);
      }
    }
}

/// Right operand: tiles of 32 rows × 16 columns, those of the same columns behind each other.
template <int parts>
NCF_AMX void pack_right(ConstMatrixView from, Packed to) {
  const __m512i turns = by_turns();
  for (int64_t c = 0; c < from.cols; c += side) {
    const __mmask16 some = lanes_from(c, from.cols);
    for (int64_t k = 0; k < from.rows; k += depth)
      for (int64_t r = k; r < k + side; ++r, to = to.from(depth)) {
        const __m512 first =
            r < from.rows ? _mm512_maskz_loadu_ps(some, from.row(r) + c) : _mm512_setzero_ps();
        const __m512 second =
            r + side < from.rows ? _mm512_maskz_loadu_ps(some, from.row(r + side) + c) : _mm512_setzero_ps();
        __m512i out[parts];
        split(first, second, turns, out);
        store(out, to);
      }
  }
}

/// 16 rows of 16 floats, from (k, c) on, zeros where there are none; as columns.
NCF_AMX inline void read_transposed(ConstMatrixView from, int64_t k, int64_t c, Lanes (&v)[lanes]) {
  const __mmask16 some = lanes_from(c, from.cols);
  for (int64_t r = 0; r < lanes; ++r)
    v[r] = k + r < from.rows ? reinterpret_cast<Lanes>(_mm512_maskz_loadu_ps(some, from.row(k + r) + c))
                             : Lanes{};
  transpose(v);
}

/// Left operand from its transpose, a block of columns: as pack_rows.
template <int parts>
NCF_AMX void pack_columns(ConstMatrixView from, Packed to) {
  const __m512i turns = by_turns();
  for (int64_t i = 0; i < block; i += side)
    for (int64_t k = 0; k < from.rows; k += depth) {
      Lanes first[lanes], second[lanes];
      read_transposed(from, k, i, first);
      read_transposed(from, k + lanes, i, second);
      for (int64_t r = 0; r < side; ++r, to = to.from(depth)) {
        __m512i out[parts];
        split(reinterpret_cast<__m512>(first[r]), reinterpret_cast<__m512>(second[r]), turns, out);
        store(out, to);
      }
    }
}

constexpr int64_t line = 64;  // bytes of a row of a tile

/// Loads tiles of rows or columns next to each other, `apart` numbers from one to the other.
NCF_AMX inline void load_rows(const uint16_t* at, int64_t apart) {
  _tile_loadd(4, at, line);
  _tile_loadd(5, at + apart, line);
}
template <int columns>
NCF_AMX inline void load_columns(const uint16_t* at, int64_t apart) {
  _tile_loadd(6, at, line);
  if constexpr (columns == 2) _tile_loadd(7, at + apart, line);
}
/// Adds the products of the tiles that are loaded, rows in 4 and 5, columns in 6 and 7, to the sums in 0
/// to 3.
template <int columns>
NCF_AMX inline void add_products() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(2, 5, 6);
  if constexpr (columns == 2) {
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
}

/// 32 × 16·columns sums over `steps` tiles of each operand.
template <int parts, int columns>
NCF_AMX void multiply(int64_t steps, Packed a, Packed b, float* sums) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const int64_t apart = steps * tile;
  for (int64_t k = 0; k < steps; ++k, a = a.from(tile), b = b.from(tile)) {
    // Every product shares an operand with the one before: loads take as long as products. The largest
    // product is the last, as the others are rounded little while the sums are small.
    load_rows(a.part(parts - 1), apart);
    load_columns<columns>(b.part(0), apart);
    add_products<columns>();
    if constexpr (parts == 3) {
      load_rows(a.part(1), apart);
      add_products<columns>();
      load_columns<columns>(b.part(1), apart);
      add_products<columns>();
      load_rows(a.part(0), apart);
      add_products<columns>();
      load_columns<columns>(b.part(2), apart);
      add_products<columns>();
      load_columns<columns>(b.part(0), apart);
      add_products<columns>();
    }
  }
  constexpr int64_t stride = block * sizeof(float);
  _tile_stored(0, sums, stride);
  _tile_stored(2, sums + side * block, stride);
  if constexpr (columns == 2) {
    _tile_stored(1, sums + side, stride);
    _tile_stored(3, sums + side * block + side, stride);
  }
}

/// c = the sums, or c += them; as many of them as c has.
NCF_AMX void put(const float* sums, MatrixView c, bool adds) {
  for (int64_t j = 0; j < c.cols; j += lanes) {
    const __mmask16 some = lanes_from(j, c.cols);
    const float* from = sums + j;
    float* to = c.data + j;
    for (int64_t r = 0; r < c.rows; ++r, from += block, to += c.stride) {
      __m512 v = _mm512_load_ps(from);
      if (adds) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(some, to));
      _mm512_mask_storeu_ps(to, some, v);
    }
  }
}

/// A block of rows of c, from the packed operands.
template <int parts>
NCF_AMX void multiply_block(int64_t steps, Packed a, Packed b, MatrixView c, bool adds) {
  alignas(64) float sums[block * block];
  for (int64_t j = 0; j < c.cols; j += block, b = b.from(2 * steps * tile)) {
    const int64_t cols = std::min(block, c.cols - j);
    cols > side ? multiply<parts, 2>(steps, a, b, sums) : multiply<parts, 1>(steps, a, b, sums);
    put(sums, c.cols_from(j, cols), adds);
  }
}

/// Whether results do not stay in the caches.
bool is_far(ConstMatrixView c) {
  constexpr int64_t bytes = 1 << 20;
  return c.rows * c.cols * static_cast<int64_t>(sizeof(float)) >= bytes;
}
/// Asks for results that are far: two lines of each row are written at a time, which no processor foresees.
void ask_for(MatrixView c) {
  for (int64_t r = 0; r < c.rows; ++r)
    for (int64_t j = 0; j < c.cols; j += lanes) __builtin_prefetch(c.row(r) + j, 1);
}

struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

Packed room(AlignedVector<uint16_t>& buffer, int parts, int64_t plane) {
  const auto needed = static_cast<std::size_t>(parts * plane);
  if (buffer.size() < needed) buffer.resize(needed);
  return {buffer.data(), plane};
}

/// What a thread computes with.
struct Workspace {
  AlignedVector<uint16_t> left, right;
};

/// c = a·b for many rows: a block of them at a time goes through all of b, which is packed once.
template <int parts>
NCF_AMX void multiply_rows(Workspace& work, ConstMatrixView a, ConstMatrixView b, MatrixView c, bool adds) {
  const int64_t most = tiles(std::min(at_once<parts>, b.rows), depth) * tile, columns = tiles(b.cols, side);
  const Packed left = room(work.left, parts, 2 * most);
  const Packed right = room(work.right, parts, columns * tiles(b.rows, depth) * tile);
  for (int64_t k = 0; k < b.rows; k += at_once<parts>)
    pack_right<parts>(b.rows_from(k, std::min(at_once<parts>, b.rows - k)),
                      right.from(columns * k / depth * tile));
  for (int64_t i = 0; i < c.rows; i += block) {
    const int64_t rows = std::min(block, c.rows - i);
    const MatrixView to = c.rows_from(i, rows);
    if (i + block < c.rows) ask_for(c.rows_from(i + block, std::min(block, c.rows - i - block)));
    for (int64_t k = 0; k < b.rows; k += at_once<parts>) {
      const int64_t count = std::min(at_once<parts>, b.rows - k);
      pack_rows<parts>(a.rows_from(i, rows).cols_from(k, count), left);
      multiply_block<parts>(tiles(count, depth), left, right.from(columns * k / depth * tile), to,
                            adds || k > 0);
    }
  }
}

/// c = op(a)·b, some of the numbers of each sum at a time, so that what is packed of b stays in the first
/// caches.
template <int parts>
NCF_AMX void multiply_slices(Workspace& work, ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c,
                             bool adds) {
  const int64_t most = tiles(std::min(at_once<parts>, b.rows), depth) * tile;
  const Packed left = room(work.left, parts, 2 * most),
               right = room(work.right, parts, tiles(b.cols, side) * most);
  for (int64_t k = 0; k < b.rows; k += at_once<parts>) {
    const int64_t count = std::min(at_once<parts>, b.rows - k);
    pack_right<parts>(b.rows_from(k, count), right);
    for (int64_t i = 0; i < c.rows; i += block) {
      const int64_t rows = std::min(block, c.rows - i);
      op_a == Op::transpose ? pack_columns<parts>(a.rows_from(k, count).cols_from(i, rows), left)
                            : pack_rows<parts>(a.rows_from(i, rows).cols_from(k, count), left);
      multiply_block<parts>(tiles(count, depth), left, right, c.rows_from(i, rows), adds || k > 0);
    }
  }
}

template <int parts>
NCF_AMX void multiply_all(ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c, bool adds) {
  thread_local Workspace work;
  static constexpr TileShapes shapes;  // in memory: the intrinsic does not tell the compiler what it reads
  _tile_loadconfig(&shapes);
  op_a == Op::none&& is_far(c) ? multiply_rows<parts>(work, a, b, c, adds)
                               : multiply_slices<parts>(work, a, op_a, b, c, adds);
  _tile_release();
}

}  // namespace

void gemm_amx(ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c, bool adds, Precision precision) {
  precision == Precision::bf16 ? multiply_all<1>(a, op_a, b, c, adds) : multiply_all<3>(a, op_a, b, c, adds);
}

}  // namespace ncf

#else

namespace ncf {

void gemm_amx(ConstMatrixView, Op, ConstMatrixView, MatrixView, bool, Precision) {
  throw Error(ErrorKind::internal, "this program was built without AMX");
}

}  // namespace ncf

#endif
