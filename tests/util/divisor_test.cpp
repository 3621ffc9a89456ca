// Quotients and remainders against those of the processor.
#include "ncf/util/divisor.hpp"

#include <gtest/gtest.h>

namespace ncf {
namespace {

TEST(Divisor, DividesAsTheProcessorDoes) {
  constexpr uint32_t most = UINT32_MAX;
  for (const uint32_t by :
       {1U, 2U, 3U, 5U, 7U, 8U, 641U, 1000U, 65535U, 65536U, 65537U, 1U << 31, most - 1, most}) {
    const Divisor divisor(by);
    for (const uint32_t number : {0U, 1U, by - 1, by, by + 1, 2 * by - 1, 2 * by, most / by * by - 1,
                                  most / by * by, most - 1, most}) {
      EXPECT_EQ(divisor.divide(number).quotient, number / by) << number << " / " << by;
      EXPECT_EQ(divisor.divide(number).remainder, number % by) << number << " / " << by;
    }
    for (uint32_t k = 0; k < 100000; ++k) {
      const uint32_t number = k * 2654435761U;
      ASSERT_EQ(divisor.divide(number).quotient, number / by) << number << " / " << by;
    }
  }
}

TEST(LongDivisor, DividesAsTheProcessorDoes) {
  constexpr uint64_t most = (uint64_t{1} << 52) - 1;
  for (const uint64_t by :
       {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{7}, uint64_t{8192}, uint64_t{65537},
        (uint64_t{1} << 32) - 1, (uint64_t{1} << 32) + 1, most / 3, most - 1, most}) {
    const LongDivisor divisor(by);
    for (const uint64_t number : {uint64_t{0}, uint64_t{1}, by - 1, by, by + 1, most / by * by - 1,
                                  most / by * by, most / 2, most - 1, most}) {
      if (number > most) continue;
      EXPECT_EQ(divisor.quotient(number), number / by) << number << " / " << by;
    }
    for (uint64_t k = 1; k < 100000; ++k) {
      const uint64_t number = k * 0x9E3779B97F4A7C15U >> 12;
      ASSERT_EQ(divisor.quotient(number), number / by) << number << " / " << by;
      const uint64_t multiple = number / by * by;  // where the guess is most easily one off
      ASSERT_EQ(divisor.quotient(multiple), multiple / by) << multiple << " / " << by;
      if (multiple == 0) continue;
      ASSERT_EQ(divisor.quotient(multiple - 1), (multiple - 1) / by) << multiple << " / " << by;
    }
  }
}

}  // namespace
}  // namespace ncf
