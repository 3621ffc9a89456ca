#include "ncf/util/radix_sort.hpp"

#include <algorithm>
#include <array>

namespace ncf {

void sort_by_high_half(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, uint64_t bound) {
  constexpr int bits = 11;  // of a pass: its counters stay in the first cache
  constexpr uint64_t values = uint64_t{1} << bits;
  if (keys.size() < 256) return std::sort(keys.begin(), keys.end());
  scratch.resize(keys.size());
  for (int shift = 0; shift < 32 && (bound - 1) >> shift != 0; shift += bits) {
    std::array<uint32_t, values + 1> starts{};
    const auto digit = [&](uint64_t key) {
      return static_cast<std::size_t>(key >> (32 + shift) & (values - 1));
    };
    for (const uint64_t key : keys) ++starts[digit(key) + 1];
    for (std::size_t d = 1; d < starts.size(); ++d) starts[d] += starts[d - 1];
    for (const uint64_t key : keys) scratch[starts[digit(key)]++] = key;
    keys.swap(scratch);
  }
}

}  // namespace ncf
