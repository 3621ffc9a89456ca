#include "ncf/util/radix_sort.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace ncf {

void sort_by_bits(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, int first_bit,
                  uint64_t bound) {
  constexpr int most_bits = 11;  // of a pass: its counters stay in the first cache
  if (keys.size() < 256) return std::sort(keys.begin(), keys.end());
  scratch.resize(keys.size());
  const int bits = bound > 1 ? static_cast<int>(std::bit_width(bound - 1)) : 0,
            passes = (bits + most_bits - 1) / most_bits;
  for (int pass = 0; pass < passes; ++pass) {
    const int shift = first_bit + bits * pass / passes,
              values = 1 << (bits * (pass + 1) / passes - bits * pass / passes);
    std::array<uint32_t, (1 << most_bits) + 1> starts{};
    const auto digit = [&](uint64_t key) {
      return static_cast<std::size_t>(key >> shift & static_cast<uint64_t>(values - 1));
    };
    for (const uint64_t key : keys) ++starts[digit(key) + 1];
    std::partial_sum(starts.begin(), starts.begin() + values, starts.begin());
    for (const uint64_t key : keys) scratch[starts[digit(key)]++] = key;
    keys.swap(scratch);
  }
}

}  // namespace ncf
