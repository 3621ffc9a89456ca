#include "ncf/data/permutation.hpp"

#include <algorithm>
#include <bit>

#include "ncf/util/target.hpp"

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

/// Uniform in [0, bound) from 64 uniform bits, without a division: the high half of bits * bound. The bound
/// is half an index, so it fits 32 bits and two products of 32 bits make it, which vector registers have.
inline uint64_t scale(uint64_t bits, uint64_t bound) {
  const uint64_t low = (bits & 0xFFFFFFFFU) * bound;
  return ((bits >> 32) * bound + (low >> 32)) >> 32;
}

/// Small grids need more rounds until all orders are about equally likely; large ones are asked millions of
/// times.
uint32_t rounds_for(uint64_t n) {
  return n <= 1U << 12 ? 16 : 6;
}

/// One way through the network: what stays the same for all indices.
struct Network {
  const uint64_t* keys;
  uint32_t rounds, low_bits;
  uint64_t high_bound;
};

inline uint64_t there(const Network& net, uint64_t index) {
  const uint64_t mask = (uint64_t{1} << net.low_bits) - 1;
  uint64_t high = index >> net.low_bits, low = index & mask;
  for (uint32_t r = 0; r < net.rounds; r += 2) {
    high += scale(mix(low, net.keys[r]), net.high_bound);
    high -= high >= net.high_bound ? net.high_bound : 0;
    low ^= mix(high, net.keys[r + 1]) & mask;
  }
  return (high << net.low_bits) | low;
}

inline uint64_t back(const Network& net, uint64_t index) {
  const uint64_t mask = (uint64_t{1} << net.low_bits) - 1;
  uint64_t high = index >> net.low_bits, low = index & mask;
  for (uint32_t r = net.rounds; r > 0; r -= 2) {
    low ^= mix(high, net.keys[r - 1]) & mask;
    const uint64_t shift = scale(mix(low, net.keys[r - 2]), net.high_bound);
    high += (high >= shift ? 0 : net.high_bound) - shift;
  }
  return (high << net.low_bits) | low;
}

/// A block of indices, in place: each step of the network for all of them, which is what vector registers do.
/// Returns whether some are not below n now.
constexpr std::size_t lanes = 64;

NCF_MULTIARCH bool there_block(const Network& net, uint64_t* indices, uint64_t n) {
  const uint64_t mask = (uint64_t{1} << net.low_bits) - 1, bound = net.high_bound;
  uint64_t high[lanes], low[lanes];
  for (std::size_t k = 0; k < lanes; ++k) high[k] = indices[k] >> net.low_bits, low[k] = indices[k] & mask;
  for (uint32_t r = 0; r < net.rounds; r += 2) {
    const uint64_t first_key = net.keys[r], second_key = net.keys[r + 1];
    for (std::size_t k = 0; k < lanes; ++k) {
      const uint64_t sum = high[k] + scale(mix(low[k], first_key), bound);
      high[k] = sum - (sum >= bound ? bound : 0);
      low[k] ^= mix(high[k], second_key) & mask;
    }
  }
  uint64_t outside = 0;
  for (std::size_t k = 0; k < lanes; ++k) {
    indices[k] = (high[k] << net.low_bits) | low[k];
    outside |= indices[k] >= n ? 1U : 0U;
  }
  return outside != 0;
}

NCF_MULTIARCH bool back_block(const Network& net, uint64_t* indices, uint64_t n) {
  const uint64_t mask = (uint64_t{1} << net.low_bits) - 1, bound = net.high_bound;
  uint64_t high[lanes], low[lanes];
  for (std::size_t k = 0; k < lanes; ++k) high[k] = indices[k] >> net.low_bits, low[k] = indices[k] & mask;
  for (uint32_t r = net.rounds; r > 0; r -= 2) {
    const uint64_t second_key = net.keys[r - 1], first_key = net.keys[r - 2];
    for (std::size_t k = 0; k < lanes; ++k) {
      low[k] ^= mix(high[k], second_key) & mask;
      const uint64_t shift = scale(mix(low[k], first_key), bound);
      high[k] += (high[k] >= shift ? 0 : bound) - shift;
    }
  }
  uint64_t outside = 0;
  for (std::size_t k = 0; k < lanes; ++k) {
    indices[k] = (high[k] << net.low_bits) | low[k];
    outside |= indices[k] >= n ? 1U : 0U;
  }
  return outside != 0;
}

/// Whole blocks where they are, what is left over in a block of its own; walks on from those that are outside
/// of the n: few are.
void in_blocks(const Network& net, std::span<uint64_t> indices, uint64_t n,
               bool (*block)(const Network&, uint64_t*, uint64_t),
               uint64_t (*one)(const Network&, uint64_t)) {
  const auto walk = [&](std::span<uint64_t> some) {
    for (uint64_t& index : some)
      while (index >= n) index = one(net, index);
  };
  std::size_t k = 0;
  for (; k + lanes <= indices.size(); k += lanes)
    if (block(net, indices.data() + k, n)) walk(indices.subspan(k, lanes));
  if (k == indices.size()) return;
  uint64_t rest[lanes] = {};
  std::copy(indices.begin() + static_cast<std::ptrdiff_t>(k), indices.end(), rest);
  if (block(net, rest, n)) walk(rest);
  std::copy_n(rest, indices.size() - k, indices.begin() + static_cast<std::ptrdiff_t>(k));
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
  const Network net{keys_.data(), rounds_, low_bits_, high_};
  do index = there(net, index);
  while (index >= n_);
  return index;
}

uint64_t Permutation::inverse(uint64_t index) const {
  const Network net{keys_.data(), rounds_, low_bits_, high_};
  do index = back(net, index);
  while (index >= n_);
  return index;
}

void Permutation::forward(std::span<uint64_t> indices) const {
  in_blocks({keys_.data(), rounds_, low_bits_, high_}, indices, n_, there_block, there);
}

void Permutation::inverse(std::span<uint64_t> indices) const {
  in_blocks({keys_.data(), rounds_, low_bits_, high_}, indices, n_, back_block, back);
}

}  // namespace ncf
