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

}  // namespace
}  // namespace ncf
