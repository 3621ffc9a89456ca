#include "ncf/util/exact_sum.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// A number below 2^51 added to it has its integer, rounded to the nearest, ties to even, in the lower bits.
constexpr double magic = 0x1.8p52;

/// What the multiples of 2^-40 add up to, of terms below 2^11. Returns how many are not.
NCF_MULTIARCH std::size_t sum_of_multiples(const double* terms, std::size_t count, int64_t& sum) {
  uint64_t total = 0, others = 0;
  for (std::size_t k = 0; k < count; ++k) {
    others += std::abs(terms[k]) < 0x1p11 ? 0 : 1;  // NaN, too
    total += std::bit_cast<uint64_t>(terms[k] * 0x1p40 + magic);
  }
  sum = static_cast<int64_t>(total - count * std::bit_cast<uint64_t>(magic));
  return others;
}

}  // namespace

void ExactSum::add(std::span<const double> terms) {
  constexpr std::size_t block = 2048;  // of terms below 2^51 do not leave 63 bits
  while (!terms.empty()) {
    const auto some = terms.first(std::min(block, terms.size()));
    int64_t sum = 0;
    if (sum_of_multiples(some.data(), some.size(), sum) == 0)
      total_ += sum;
    else
      for (const double term : some) add(term);
    terms = terms.subspan(some.size());
  }
}

}  // namespace ncf
