#pragma once
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
//
// To be included where NCF_AMX is defined.

#include <immintrin.h>

#include <algorithm>

#include "lanes.hpp"
#include "ncf/util/target.hpp"

namespace ncf::amx {

constexpr int64_t side = 16;            // of a tile of sums
constexpr int64_t depth = 32;           // numbers that are summed up by one instruction
constexpr int64_t tile = side * depth;  // numbers of a tile
constexpr int64_t block = 2 * side;     // rows and columns of sums that are in registers at once
/// Numbers of a sum that are packed at once: with more the blocks would leave the first cache.
template <int parts>
constexpr int64_t at_once = parts == 1 ? 128 : 64;
constexpr int64_t pairs = 3;          // of parts of a number, when it is spread
constexpr int64_t worth_spread = 26;  // numbers; more take as many tiles as when they are not

inline int64_t tiles(int64_t numbers, int64_t of_tile) {
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
inline int64_t rest_stride(const Depth& d) {
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

}  // namespace ncf::amx
