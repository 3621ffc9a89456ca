#include "ncf/data/permutation.hpp"

#include <bit>

namespace ncf {
namespace {

/// The round function: 64 well mixed bits. Two odd multiplications (those of SplitMix64) suffice because
/// every round has a random key of its own.
inline uint64_t mix(uint64_t value, uint64_t key) {
  uint64_t x = (value ^ key) * 0xBF58476D1CE4E5B9U;
  x ^= x >> 32;
  x *= 0x94D049BB133111EBU;
  return x ^ (x >> 29);
}

/// Uniform in [0, bound) from 64 uniform bits, without a division.
inline uint64_t scale(uint64_t bits, uint64_t bound) {
  __extension__ using uint128 = unsigned __int128;
  return static_cast<uint64_t>((uint128{bits} * bound) >> 64);
}

/// Small grids need more rounds until all orders are about equally likely; large ones are asked millions of
/// times.
uint32_t rounds_for(uint64_t n) {
  return n <= 1U << 12 ? 16 : 6;
}

}  // namespace

Permutation::Permutation(uint64_t n, uint64_t seed, Purpose purpose, uint64_t stream) : n_(n), keys_{} {
  const auto bits = n > 1 ? static_cast<uint32_t>(std::bit_width(n - 1)) : 0;
  low_bits_ = bits / 2;
  high_ = n > 0 ? ((n - 1) >> low_bits_) + 1 : 0;
  rounds_ = rounds_for(n);
  for (uint32_t r = 0; r < rounds_; ++r) keys_[r] = random_bits(seed, purpose, stream, r);
}

uint64_t Permutation::forward(uint64_t index) const {
  const uint64_t mask = (uint64_t{1} << low_bits_) - 1;
  do {
    uint64_t high = index >> low_bits_, low = index & mask;
    for (uint32_t r = 0; r < rounds_; r += 2) {
      high += scale(mix(low, keys_[r]), high_);
      if (high >= high_) high -= high_;
      low ^= mix(high, keys_[r + 1]) & mask;
    }
    index = (high << low_bits_) | low;
  } while (index >= n_);
  return index;
}

uint64_t Permutation::inverse(uint64_t index) const {
  const uint64_t mask = (uint64_t{1} << low_bits_) - 1;
  do {
    uint64_t high = index >> low_bits_, low = index & mask;
    for (uint32_t r = rounds_; r > 0; r -= 2) {
      low ^= mix(high, keys_[r - 1]) & mask;
      const uint64_t back = scale(mix(low, keys_[r - 2]), high_);
      high = high >= back ? high - back : high + high_ - back;
    }
    index = (high << low_bits_) | low;
  } while (index >= n_);
  return index;
}

}  // namespace ncf
