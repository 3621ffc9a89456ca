// Few keys and many, with bounds around those where another pass begins.
#include "ncf/util/radix_sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

TEST(RadixSort, ByBitsFromTheFirstOnAndKeepingTheOrderOfEquals) {
  std::vector<uint64_t> scratch;
  for (const std::size_t count : {0U, 1U, 255U, 256U, 5000U})
    for (const int first_bit : {0, 20, 32})
      for (const uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1} << 11,
                                   (uint64_t{1} << 11) + 1, uint64_t{80000}, uint64_t{1} << 31}) {
        std::vector<uint64_t> keys(count);
        for (std::size_t k = 0; k < count; ++k)
          keys[k] = random_bits(1, Purpose::synthetic, 0, k) % bound << first_bit |
                    (k & ((uint64_t{1} << first_bit) - 1));
        std::vector<uint64_t> expected = keys;
        std::ranges::stable_sort(expected,
                                 [&](uint64_t a, uint64_t b) { return a >> first_bit < b >> first_bit; });
        sort_by_bits(keys, scratch, first_bit, bound);
        ASSERT_EQ(keys, expected) << count << " keys from bit " << first_bit << " below " << bound;
      }
}

}  // namespace
}  // namespace ncf
