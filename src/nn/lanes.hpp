#pragma once
// Sixteen floats at once, in whatever registers the instruction set has: for loops that must keep sums in
// registers, which the compiler does not do by itself. For rows of aligned matrices only
// (Matrix::reshape_aligned), which may be read and written up to the end of their last vector.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "ncf/util/matrix.hpp"

namespace ncf {

constexpr int64_t lanes = 16;
using Lanes = float __attribute__((vector_size(4 * lanes)));
using Bits = int32_t __attribute__((vector_size(4 * lanes)));

// What is inlined takes the instruction set of the function that it is inlined into (target.hpp).
#define NCF_INLINE inline __attribute__((always_inline))

NCF_INLINE void read(const float* from, Lanes& v) {
  std::memcpy(&v, from, sizeof v);
}
NCF_INLINE void write(float* to, const Lanes& v) {
  std::memcpy(to, &v, sizeof v);
}
// The first `count` only, for memory that ends there; the other lanes are 0.
NCF_INLINE void read_some(const float* from, int64_t count, Lanes& v) {
  v = Lanes{};
  std::memcpy(&v, from, 4 * static_cast<std::size_t>(std::clamp<int64_t>(count, 0, lanes)));
}
/// All or the first `columns` lanes, as there are.
NCF_INLINE void read_columns(const float* from, int64_t columns, Lanes& v) {
  columns < lanes ? read_some(from, columns, v) : read(from, v);
}
NCF_INLINE void add_some(const Lanes& v, int64_t count, float* to) {
  for (int64_t lane = 0; lane < lanes && lane < count; ++lane) to[lane] += v[lane];
}
NCF_INLINE void add_columns(const Lanes& v, int64_t columns, float* to) {
  if (columns < lanes) return add_some(v, columns, to);
  Lanes sum;
  read(to, sum);
  sum += v;
  write(to, sum);
}
/// v where the bits are set, 0 elsewhere.
NCF_INLINE void keep(Lanes& v, const Bits& bits) {
  v = reinterpret_cast<Lanes>(reinterpret_cast<Bits>(v) & bits);
}

/// The bits of all lanes together.
template <std::size_t... lane>
NCF_INLINE uint32_t any_bits(const Bits& of_lanes, std::index_sequence<lane...>) {
  Bits bits = of_lanes;
#pragma GCC unroll 4
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    bits |= __builtin_shuffle(bits, Bits{static_cast<int32_t>(lane) ^ distance...});
  return static_cast<uint32_t>(bits[0]);
}
NCF_INLINE uint32_t any_bits(const Bits& bits) {
  return any_bits(bits, std::make_index_sequence<lanes>());
}

/// The second half of each block of 2·distance lanes of a changes places with the first half of b's.
template <int distance, std::size_t... lane>
NCF_INLINE void swap_halves(Lanes& a, Lanes& b, std::index_sequence<lane...>) {
  const Lanes first =
      __builtin_shufflevector(a, b, ((lane & distance) == 0 ? lane : lane + lanes - distance)...);
  b = __builtin_shufflevector(a, b, ((lane & distance) == 0 ? lane + distance : lane + lanes)...);
  a = first;
}
/// In every pair of rows that are `distance` apart.
template <int distance>
NCF_INLINE void swap_blocks(Lanes (&v)[lanes]) {
#pragma GCC unroll 16
  for (std::size_t k = 0; k < lanes; ++k)
    if ((k & distance) == 0) swap_halves<distance>(v[k], v[k + distance], std::make_index_sequence<lanes>());
}
/// Rows become columns.
NCF_INLINE void transpose(Lanes (&v)[lanes]) {
  swap_blocks<8>(v);
  swap_blocks<4>(v);
  swap_blocks<2>(v);
  swap_blocks<1>(v);
}

/// One step of adding up the lanes of vectors k and k + distance, k below it, into vector k.
template <int distance>
NCF_INLINE void fold(Lanes (&v)[lanes]) {
#pragma GCC unroll 8
  for (std::size_t k = 0; k < distance; ++k) {
    swap_halves<distance>(v[k], v[k + distance], std::make_index_sequence<lanes>());
    v[k] += v[k + distance];
  }
}
/// v[0][k] = the sum of the lanes of v[k], in the same order for each k. The others are left as they come.
NCF_INLINE void add_lanes(Lanes (&v)[lanes]) {
  fold<8>(v);
  fold<4>(v);
  fold<2>(v);
  fold<1>(v);
}

/// Whether the rows' memory goes on to the end of their last vectors.
inline bool in_lanes(ConstMatrixView m) {
  return m.stride % lanes == 0 && reinterpret_cast<uintptr_t>(m.data) % sizeof(Lanes) == 0;
}

/// Which lanes of the last vector of a row are columns.
inline void last_columns(int64_t cols, Bits& out) {
  out = Bits{};
  for (int64_t lane = 0; lane <= (cols - 1) % lanes; ++lane) out[lane] = -1;
}

/// Which of the 16 lanes from column `first` on are columns, as a mask.
NCF_INLINE uint16_t lanes_from(int64_t first, int64_t cols) {
  const int64_t rest = std::clamp<int64_t>(cols - first, 0, lanes);
  return static_cast<uint16_t>((1U << rest) - 1);
}

/// job.block<N>(first) for blocks of N vectors from column `first` on, at most `widest`.
template <int widest, class Job>
NCF_INLINE void in_blocks(const Job& job, int64_t cols) {
  static_assert(widest == 4 || widest == 8);
  for (int64_t first = 0; first < cols; first += widest * lanes) {
    const int64_t vectors = (cols - first + lanes - 1) / lanes;
    if (vectors >= widest) {
      job.template block<widest>(first);
      continue;
    }
    if constexpr (widest == 8) {
      if (vectors == 7) job.template block<7>(first);
      if (vectors == 6) job.template block<6>(first);
      if (vectors == 5) job.template block<5>(first);
      if (vectors == 4) job.template block<4>(first);
    }
    if (vectors == 3) job.template block<3>(first);
    if (vectors == 2) job.template block<2>(first);
    if (vectors == 1) job.template block<1>(first);
  }
}

}  // namespace ncf
