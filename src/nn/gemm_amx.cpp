// A tile is 16 rows of 64 bytes: of the left operand 16 × 32 numbers, of the right one 32 × 16, two rows of
// it side by side in pairs, of the product 16 × 16 sums (Intel's Software Developer's Manual, TDPBF16PS).
// Operands are packed tile by tile, so that every load of a tile reads one kilobyte.
#include "gemm_amx.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "lanes.hpp"

namespace ncf {
namespace {

#define NCF_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))

constexpr int64_t side = 16;            // of a tile of sums
constexpr int64_t depth = 32;           // numbers that are summed up by one instruction
constexpr int64_t tile = side * depth;  // numbers of a tile
constexpr int64_t block = 2 * side;     // rows and columns of sums that are in registers at once
constexpr int64_t deepest = 128;  // that a block of the left operand has when both grow with the samples

int64_t tiles(int64_t numbers, int64_t of_tile) {
  return (numbers + of_tile - 1) / of_tile;
}

/// Which of the 16 lanes from column `first` on exist.
__mmask16 lanes_from(int64_t first, int64_t cols) {
  const int64_t rest = std::clamp<int64_t>(cols - first, 0, lanes);
  return static_cast<__mmask16>((1U << rest) - 1);
}

/// 32 numbers rounded to nearest, ties to even: of a row from column c on, zeros after its end.
NCF_AMX inline __m512i rounded_row(ConstMatrixView from, int64_t r, int64_t c) {
  const float* at = from.row(r) + c;
  return (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(lanes_from(c + lanes, from.cols), at + lanes),
                                      _mm512_maskz_loadu_ps(lanes_from(c, from.cols), at));
}

/// 16 pairs: of rows r and r + 1 from column c on. Rows and columns that do not exist are zeros.
NCF_AMX inline __m512i rounded_pairs(ConstMatrixView from, int64_t r, int64_t c, __m512i order) {
  const __mmask16 columns = lanes_from(c, from.cols);
  const __m512 first = _mm512_maskz_loadu_ps(r < from.rows ? columns : __mmask16{0}, from.row(r) + c);
  const __m512 second =
      _mm512_maskz_loadu_ps(r + 1 < from.rows ? columns : __mmask16{0}, from.row(r + 1) + c);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/// 0, 16, 1, 17, ...: the halves of a register side by side.
NCF_AMX inline __m512i by_turns() {
  alignas(64) int16_t order[2 * lanes];
  for (int16_t k = 0; k < 2 * lanes; ++k) order[k] = static_cast<int16_t>(k / 2 + (k % 2) * lanes);
  return _mm512_load_si512(order);
}

/// Left operand: tiles of 16 rows × 32 columns, those of the same rows behind each other.
NCF_AMX void pack_rows(ConstMatrixView from, int64_t row_tiles, uint16_t* to) {
  for (int64_t i = 0; i < row_tiles; ++i)
    for (int64_t k = 0; k < from.cols; k += depth, to += tile)
      for (int64_t r = 0; r < side; ++r) {
        const int64_t row = i * side + r;
        _mm512_store_si512(to + r * depth,
                           row < from.rows ? rounded_row(from, row, k) : _mm512_setzero_si512());
      }
}

/// Right operand: tiles of 32 rows × 16 columns in pairs of rows, those of the same columns behind each
/// other.
NCF_AMX void pack_pairs(ConstMatrixView from, uint16_t* to) {
  const __m512i order = by_turns();
  const int64_t of_column = tiles(from.rows, depth) * tile;
  for (int64_t k = 0; k < from.rows; k += depth, to += tile)
    for (int64_t r = 0; r < side; ++r)
      for (int64_t c = 0; c < from.cols; c += side)
        _mm512_store_si512(to + c / side * of_column + r * depth, rounded_pairs(from, k + 2 * r, c, order));
}

/// Left operand from its transpose: as pack_rows, of 32 columns of `from`.
NCF_AMX void pack_columns(ConstMatrixView from, uint16_t* to) {
  const __m512i order = by_turns();
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t k = 0; k < from.rows; k += depth, to += tile) {
      Lanes v[lanes];
#pragma GCC unroll 16
      for (int64_t r = 0; r < lanes; ++r) v[r] = (Lanes)rounded_pairs(from, k + 2 * r, i * side, order);
      transpose(v);
#pragma GCC unroll 16
      for (int64_t r = 0; r < lanes; ++r) _mm512_store_si512(to + r * depth, (__m512i)v[r]);
    }
}

/// 32 × 16·columns sums over `steps` tiles of each operand.
template <int columns>
NCF_AMX void multiply(int64_t steps, const uint16_t* a, const uint16_t* b, float* sums) {
  constexpr int64_t line = 64;  // bytes
  const uint16_t *a1 = a + steps * tile, *b1 = b + steps * tile;
  _tile_zero(0);
  _tile_zero(2);
  if constexpr (columns == 2) {
    _tile_zero(1);
    _tile_zero(3);
  }
  for (int64_t k = 0; k < steps; ++k, a += tile, a1 += tile, b += tile, b1 += tile) {
    _tile_loadd(4, a, line);
    _tile_loadd(6, b, line);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, a1, line);
    _tile_dpbf16ps(2, 5, 6);
    if constexpr (columns == 2) {
      _tile_loadd(7, b1, line);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
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
  for (int64_t r = 0; r < c.rows; ++r, sums += block)
    for (int64_t j = 0; j < c.cols; j += lanes) {
      const __mmask16 some = lanes_from(j, c.cols);
      float* to = c.row(r) + j;
      __m512 v = _mm512_load_ps(sums + j);
      if (adds) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(some, to));
      _mm512_mask_storeu_ps(to, some, v);
    }
}

/// A block of rows of c, from the packed operands.
NCF_AMX void multiply_block(int64_t steps, const uint16_t* a, const uint16_t* b, MatrixView c, bool adds) {
  alignas(64) float sums[block * block];
  for (int64_t j = 0; j < c.cols; j += block, b += 2 * steps * tile) {
    const int64_t cols = std::min(block, c.cols - j);
    cols > side ? multiply<2>(steps, a, b, sums) : multiply<1>(steps, a, b, sums);
    put(sums, c.cols_from(j, cols), adds);
  }
}

struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

uint16_t* room(AlignedVector<uint16_t>& buffer, int64_t numbers) {
  if (buffer.size() < static_cast<std::size_t>(numbers)) buffer.resize(static_cast<std::size_t>(numbers));
  return buffer.data();
}

NCF_AMX void multiply_tiles(ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c, bool adds) {
  thread_local AlignedVector<uint16_t> left, right;
  const TileShapes shapes;
  _tile_loadconfig(&shapes);
  // Where rows are summed over, some at a time: with all of them a block would not stay in the caches.
  const int64_t at_once = op_a == Op::transpose ? std::min(deepest, b.rows) : b.rows;
  uint16_t* const packed_b = room(right, tiles(at_once, depth) * (tiles(b.cols, side) + 1) * tile);
  uint16_t* const packed_a = room(left, tiles(at_once, depth) * 2 * tile);
  for (int64_t k = 0; k < b.rows; k += at_once) {
    const int64_t count = std::min(at_once, b.rows - k), steps = tiles(count, depth);
    pack_pairs(b.rows_from(k, count), packed_b);
    for (int64_t i = 0; i < c.rows; i += block) {
      const int64_t rows = std::min(block, c.rows - i);
      op_a == Op::transpose ? pack_columns(a.rows_from(k, count).cols_from(i, rows), packed_a)
                            : pack_rows(a.rows_from(i, rows), 2, packed_a);
      multiply_block(steps, packed_a, packed_b, c.rows_from(i, rows), adds || k > 0);
    }
  }
  _tile_release();
}

/// Linux gives the registers to processes that ask.
bool ask_for_tiles() {
  constexpr long ask = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, ask, tile_data) == 0;
}

bool processor_has_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned amx_bf16 = 1U << 22, amx_tile = 1U << 24;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & amx_bf16) != 0 && (d & amx_tile) != 0;
}

}  // namespace

bool has_amx() {
  static const bool has = has_bf16() && processor_has_tiles() && ask_for_tiles();
  return has;
}

void gemm_amx(ConstMatrixView a, Op op_a, ConstMatrixView b, MatrixView c, bool adds) {
  multiply_tiles(a, op_a, b, c, adds);
}

}  // namespace ncf

#else

namespace ncf {

bool has_amx() {
  return false;
}
void gemm_amx(ConstMatrixView, Op, ConstMatrixView, MatrixView, bool) {}

}  // namespace ncf

#endif
