// A tile is 16 rows of 64 bytes: of the left operand 16 × 32 numbers, of the right one 32 × 16, two rows of
// it side by side in pairs, of the product 16 × 16 sums (Intel's Software Developer's Manual, TDPBF16PS).
// Operands are packed tile by tile, so that every load of a tile reads one kilobyte. Which numbers make a
// pair is free as long as it is the same on both sides: here those that are 16 apart, which are in the same
// lane of two registers.
//
// Where numbers are split into parts, a tile of 32 numbers is multiplied six times. Those that are left over
// at the end of a sum (100 are 3 × 32 and 4) would be multiplied as often in tiles that are nearly empty.
// Their parts are spread instead: three pairs for each of them, with all six products, so that five numbers
// fill a tile that is multiplied once.
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
constexpr int64_t pairs = 3;          // of parts of a number, when it is spread
constexpr int64_t worth_spread = 26;  // numbers; more take as many tiles as when they are not

int64_t tiles(int64_t numbers, int64_t of_tile) {
  return (numbers + of_tile - 1) / of_tile;
}

/// How some numbers of a sum are packed.
struct Depth {
  int64_t whole = 0;   // tiles of 32 numbers, in each part
  int64_t spread = 0;  // numbers after them whose parts are spread
  int64_t rest = 0;    // tiles of these
};
template <int parts>
Depth depth_of(int64_t numbers) {
  const int64_t over = numbers % depth;
  if (parts == 1 || over > worth_spread || numbers < depth) return {tiles(numbers, depth)};
  return {numbers / depth, over, tiles(pairs * over, side)};
}
/// How many of the numbers that are left of a sum are packed next.
template <int parts>
int64_t slice_of(int64_t left) {
  return left > at_once<parts> + (parts == 1 ? 0 : worth_spread) ? at_once<parts> : left;
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

/// The upper halves of 16 lanes as lower ones. (Without a mask the compiler warns of its own header.)
NCF_AMX inline __m512i lowered(__m512i x) {
  return _mm512_maskz_srli_epi32(0xffff, x, 16);
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
      out[p] = _mm512_or_si512(lowered(a), b);
    }
  }
}

/// Packed tiles of an operand: part after part, each with `plane` numbers; and those of what is spread.
struct Packed {
  uint16_t* data;
  int64_t plane;
  uint16_t* rest;

  uint16_t* part(int p) const { return data + p * plane; }
  Packed from(int64_t numbers, int64_t of_rest = 0) const { return {data + numbers, plane, rest + of_rest}; }
};

template <int parts>
NCF_AMX inline void store(const __m512i (&from)[parts], Packed to) {
  for (int p = 0; p < parts; ++p) _mm512_store_si512(to.part(p), from[p]);
}

/// Numbers between the rows of what is spread of a left operand: there its tiles lie side by side.
int64_t rest_stride(const Depth& d) {
  return d.rest * depth;
}

/// The pairs of up to 16 numbers of a left operand: the first and third parts, the second parts twice, the
/// first parts twice, so that the largest products are the last (as in multiply()). Writes a few lanes
/// further than there are pairs.
NCF_AMX inline void spread_left(__m512 x, int64_t count, uint16_t* to) {
  const __m512i first = take_part(x), second = take_part(x), third = _mm512_castps_si512(x);
  _mm512_storeu_si512(to, _mm512_or_si512(third, lowered(first)));
  _mm512_storeu_si512(to + 2 * count, _mm512_or_si512(second, lowered(second)));
  _mm512_storeu_si512(to + 4 * count, _mm512_or_si512(first, lowered(first)));
}

/// Left operand, a block of rows: what is spread, rows behind each other, of which `numbers(r, k)` reads 16.
template <class Numbers>
NCF_AMX inline void spread_block(const Depth& d, uint16_t* to, const Numbers& numbers) {
  for (int64_t r = 0; r < block; ++r, to += rest_stride(d)) {
    _mm512_storeu_si512(to + rest_stride(d) - depth, _mm512_setzero_si512());  // no pairs at the end
    uint16_t* at = to;
    for (int64_t k = 0; k < d.spread; k += lanes) {
      const int64_t count = std::min(lanes, d.spread - k);
      spread_left(numbers(r, k), count, at);
      at += 2 * pairs * count;
    }
  }
}

/// Left operand, a block of rows: tiles of 16 rows × 32 columns, those of the same rows behind each other.
template <int parts>
NCF_AMX void pack_rows(ConstMatrixView from, const Depth& d, Packed to) {
  const __m512i turns = by_turns(), zeros[parts] = {};
  if (d.rest > 0)
    spread_block(d, to.rest, [&](int64_t r, int64_t k) NCF_AMX {
      const int64_t at = d.whole * depth + k;
      return r < from.rows ? _mm512_maskz_loadu_ps(lanes_from(at, from.cols), from.row(r) + at)
                           : _mm512_setzero_ps();
    });
  for (int64_t i = 0; i < block; i += side)
    for (int64_t k = 0; k < d.whole * depth; k += depth) {
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

/// The pairs of a row of a right operand, against those of spread_left: `apart` rows of a tile from each to
/// the next lie its third and first part, its first and second, and these again.
NCF_AMX inline void spread_right(__m512 x, int64_t apart, uint16_t* to) {
  const __m512i first = take_part(x), second = take_part(x), third = _mm512_castps_si512(x);
  const __m512i larger = _mm512_or_si512(second, lowered(first));
  _mm512_store_si512(to, _mm512_or_si512(first, lowered(third)));
  _mm512_store_si512(to + apart * depth, larger);
  _mm512_store_si512(to + 2 * apart * depth, larger);
}

/// Right operand: tiles of 32 rows × 16 columns, those of the same columns behind each other.
template <int parts>
NCF_AMX void pack_right(ConstMatrixView from, const Depth& d, Packed to) {
  const __m512i turns = by_turns();
  for (int64_t c = 0; c < from.cols; c += side) {
    const __mmask16 some = lanes_from(c, from.cols);
    for (int64_t k = 0; k < d.spread; k += lanes) {
      const int64_t count = std::min(lanes, d.spread - k);
      for (int64_t r = 0; r < count; ++r)
        spread_right(_mm512_maskz_loadu_ps(some, from.row(d.whole * depth + k + r) + c), count,
                     to.rest + (pairs * k + r) * depth);
    }
    for (int64_t r = pairs * d.spread; r < d.rest * side; ++r)
      _mm512_store_si512(to.rest + r * depth, _mm512_setzero_si512());
    to.rest += d.rest * tile;
    for (int64_t k = 0; k < d.whole * depth; k += depth)
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
NCF_AMX void pack_columns(ConstMatrixView from, const Depth& d, Packed to) {
  const __m512i turns = by_turns();
  Lanes rest[2][block];  // at most twice 16 numbers of each column
  for (int64_t k = 0; k < d.spread; k += lanes)
    for (int64_t i = 0; i < block; i += side) {
      Lanes square[lanes];
      read_transposed(from, d.whole * depth + k, i, square);
      std::copy_n(square, lanes, rest[k / lanes] + i);
    }
  if (d.rest > 0)
    spread_block(d, to.rest,
                 [&](int64_t r, int64_t k) NCF_AMX { return reinterpret_cast<__m512>(rest[k / lanes][r]); });
  for (int64_t i = 0; i < block; i += side)
    for (int64_t k = 0; k < d.whole * depth; k += depth) {
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
template <int rows>
NCF_AMX inline void load_rows(const uint16_t* at, int64_t apart, int64_t stride) {
  _tile_loadd(4, at, stride);
  if constexpr (rows == 2) _tile_loadd(5, at + apart, stride);
}
template <int columns>
NCF_AMX inline void load_columns(const uint16_t* at, int64_t apart) {
  _tile_loadd(6, at, line);
  if constexpr (columns == 2) _tile_loadd(7, at + apart, line);
}
/// Adds the products of the tiles that are loaded, rows in 4 and 5, columns in 6 and 7, to the sums in 0
/// to 3.
template <int rows, int columns>
NCF_AMX inline void add_products() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (rows == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (columns == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (rows == 2 && columns == 2) _tile_dpbf16ps(3, 5, 7);
}

/// 16·rows × 16·columns sums.
template <int parts, int rows, int columns>
NCF_AMX void multiply(const Depth& d, Packed a, Packed b, float* sums) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const int64_t stride = rest_stride(d);
  for (int64_t k = 0; k < d.rest; ++k) {
    load_rows<rows>(a.rest + k * depth, side * stride, stride * static_cast<int64_t>(sizeof(uint16_t)));
    load_columns<columns>(b.rest + k * tile, d.rest * tile);
    add_products<rows, columns>();
  }
  const int64_t apart = d.whole * tile;
  for (int64_t k = 0; k < d.whole; ++k, a = a.from(tile), b = b.from(tile)) {
    // Every product shares an operand with the one before: loads take as long as products. The largest
    // product is the last, as the others are rounded little while the sums are small.
    load_rows<rows>(a.part(parts - 1), apart, line);
    load_columns<columns>(b.part(0), apart);
    add_products<rows, columns>();
    if constexpr (parts == 3) {
      load_rows<rows>(a.part(1), apart, line);
      add_products<rows, columns>();
      load_columns<columns>(b.part(1), apart);
      add_products<rows, columns>();
      load_rows<rows>(a.part(0), apart, line);
      add_products<rows, columns>();
      load_columns<columns>(b.part(2), apart);
      add_products<rows, columns>();
      load_columns<columns>(b.part(0), apart);
      add_products<rows, columns>();
    }
  }
  constexpr int64_t apart_sums = block * sizeof(float);
  _tile_stored(0, sums, apart_sums);
  if constexpr (rows == 2) _tile_stored(2, sums + side * block, apart_sums);
  if constexpr (columns == 2) _tile_stored(1, sums + side, apart_sums);
  if constexpr (rows == 2 && columns == 2) _tile_stored(3, sums + side * block + side, apart_sums);
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
template <int parts, int rows>
NCF_AMX void multiply_block(const Depth& d, Packed a, Packed b, MatrixView c, bool adds) {
  alignas(64) float sums[block * block];
  for (int64_t j = 0; j < c.cols; j += block, b = b.from(2 * d.whole * tile, 2 * d.rest * tile)) {
    const int64_t cols = std::min(block, c.cols - j);
    cols > side ? multiply<parts, rows, 2>(d, a, b, sums) : multiply<parts, rows, 1>(d, a, b, sums);
    put(sums, c.cols_from(j, cols), adds);
  }
}
template <int parts>
NCF_AMX void multiply_block(const Depth& d, Packed a, Packed b, MatrixView c, bool adds) {
  c.rows > side ? multiply_block<parts, 2>(d, a, b, c, adds) : multiply_block<parts, 1>(d, a, b, c, adds);
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

/// What a thread computes with.
struct Workspace {
  AlignedVector<uint16_t> left, right, left_rest, right_rest;
};

uint16_t* room(AlignedVector<uint16_t>& buffer, int64_t numbers) {
  if (std::ssize(buffer) < numbers) buffer.resize(static_cast<std::size_t>(numbers));
  return buffer.data();
}
/// For a block of rows and so many numbers of their sums.
template <int parts>
Packed room_on_the_left(Workspace& work, int64_t numbers) {
  const int64_t plane = block / side * tiles(std::min(at_once<parts>, numbers), depth) * tile;
  const int64_t rest = tiles(pairs * worth_spread, side) * block * depth + depth;  // and a few lanes more
  return {room(work.left, parts * plane), plane, room(work.left_rest, rest)};
}
/// For all columns, and so many numbers of their sums, the spread ones among them.
template <int parts>
Packed room_on_the_right(Workspace& work, int64_t cols, int64_t numbers) {
  const int64_t columns = tiles(cols, side), plane = columns * tiles(numbers, depth) * tile;
  return {room(work.right, parts * plane), plane,
          room(work.right_rest, columns * tiles(pairs * worth_spread, side) * tile)};
}

/// c = a·b for many rows: a block of them at a time goes through all of b, which is packed once.
template <int parts>
NCF_AMX void multiply_rows(Workspace& work, ConstMatrixView a, ConstMatrixView b, MatrixView c, bool adds) {
  const int64_t columns = tiles(b.cols, side);
  const Packed left = room_on_the_left<parts>(work, b.rows),
               right = room_on_the_right<parts>(work, b.cols, b.rows);
  for (int64_t k = 0, count = 0; k < b.rows; k += count) {
    count = slice_of<parts>(b.rows - k);
    pack_right<parts>(b.rows_from(k, count), depth_of<parts>(count), right.from(columns * k / depth * tile));
  }
  for (int64_t i = 0; i < c.rows; i += block) {
    const int64_t rows = std::min(block, c.rows - i);
    const MatrixView to = c.rows_from(i, rows);
    if (i + block < c.rows) ask_for(c.rows_from(i + block, std::min(block, c.rows - i - block)));
    for (int64_t k = 0, count = 0; k < b.rows; k += count) {
      count = slice_of<parts>(b.rows - k);
      const Depth d = depth_of<parts>(count);
      pack_rows<parts>(a.rows_from(i, rows).cols_from(k, count), d, left);
      multiply_block<parts>(d, left, right.from(columns * k / depth * tile), to, adds || k > 0);
    }
  }
}

/// c = op(a)·b, some of the numbers of each sum at a time, so that what is packed of b stays in the first
/// caches.
template <int parts>
NCF_AMX void multiply_slices(Workspace& work, ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c,
                             bool adds) {
  const Packed left = room_on_the_left<parts>(work, b.rows),
               right = room_on_the_right<parts>(work, b.cols, std::min(at_once<parts>, b.rows));
  for (int64_t k = 0, count = 0; k < b.rows; k += count) {
    count = slice_of<parts>(b.rows - k);
    const Depth d = depth_of<parts>(count);
    pack_right<parts>(b.rows_from(k, count), d, right);
    for (int64_t i = 0; i < c.rows; i += block) {
      const int64_t rows = std::min(block, c.rows - i);
      op_a == Op::transpose ? pack_columns<parts>(a.rows_from(k, count).cols_from(i, rows), d, left)
                            : pack_rows<parts>(a.rows_from(i, rows).cols_from(k, count), d, left);
      multiply_block<parts>(d, left, right, c.rows_from(i, rows), adds || k > 0);
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
