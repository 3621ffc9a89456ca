// Blocks of sums in the matrix registers, from operands packed in tiles (amx_packing.hpp).
#include "gemm_amx.hpp"

#include "ncf/util/error.hpp"
#include "ncf/util/target.hpp"

#ifdef NCF_AMX

#include <algorithm>

#include "amx_packing.hpp"

namespace ncf {
namespace {

using namespace amx;

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
