#pragma once
/// A keyed bijection of [0, n), computed index by index in both directions: no stored permutation, any rank
/// can ask for any index. A Feistel network over the smallest a × 2^k grid that holds n, with cycle walking
/// over the rest (Black and Rogaway 2002): fewer than one index in sqrt(n) / 2 is walked.

#include <array>
#include <cstdint>
#include <span>

#include "ncf/util/random.hpp"

namespace ncf {

class Permutation {
 public:
  /// The permutation is a pure function of the arguments. n > 0; n = 0 is allowed and has no index.
  Permutation(uint64_t n, uint64_t seed, Purpose purpose, uint64_t stream);

  uint64_t size() const { return n_; }
  uint64_t forward(uint64_t index) const;
  uint64_t inverse(uint64_t index) const;
  /// The same for many indices, in place: several at once where the machine has wide registers.
  void forward(std::span<uint64_t> indices) const;
  void inverse(std::span<uint64_t> indices) const;

 private:
  static constexpr std::size_t max_rounds = 16;

  uint64_t n_;
  uint64_t high_;      // a: the high half of an index is in [0, a)
  uint32_t low_bits_;  // k
  uint32_t rounds_;    // even
  std::array<uint64_t, max_rounds> keys_;
};

}  // namespace ncf
