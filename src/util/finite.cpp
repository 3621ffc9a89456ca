#include "ncf/util/finite.hpp"

#include <cstring>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// How many values have all bits of the exponent set. Integers may be summed in any order, so this vectorises
/// where a sum of floats would not.
NCF_MULTIARCH int64_t count_not_finite(const float* values, int64_t n) {
  constexpr uint32_t exponent = 0x7f800000;
  int64_t total = 0;
  for (int64_t first = 0; first < n; first += 4096) {
    const int64_t end = first + 4096 < n ? first + 4096 : n;
    uint32_t here = 0;
    for (int64_t i = first; i < end; ++i) {
      uint32_t bits;
      std::memcpy(&bits, values + i, sizeof bits);
      here += (bits & exponent) == exponent ? 1 : 0;
    }
    total += here;
  }
  return total;
}

}  // namespace

bool all_finite(std::span<const float> values) {
  return count_not_finite(values.data(), std::ssize(values)) == 0;
}

}  // namespace ncf
