#include "ncf/util/finite.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace ncf {
namespace {

using Limits = std::numeric_limits<float>;

TEST(Finite, TheLargestAndTheSmallestAreFinite) {
  EXPECT_TRUE(all_finite({}));
  const std::vector<float> values = {0.0F, -0.0F, Limits::max(), Limits::lowest(), Limits::denorm_min()};
  EXPECT_TRUE(all_finite(values));
}

/// Lengths around vector widths and around the blocks in which they are counted.
TEST(Finite, OneThatIsNotIsFoundWhereverItStands) {
  for (const std::size_t n : {1U, 7U, 33U, 4095U, 4096U, 4097U, 8200U}) {
    std::vector<float> values(n, Limits::max());
    ASSERT_TRUE(all_finite(values)) << n;
    for (std::size_t k = 0; k < n; k += n < 100 ? 1 : 409) {
      for (const float bad : {Limits::infinity(), -Limits::infinity(), NAN, -NAN, Limits::signaling_NaN()}) {
        values[k] = bad;
        ASSERT_FALSE(all_finite(values)) << bad << " at " << k << " of " << n;
      }
      values[k] = 1;
    }
    values.back() = NAN;
    EXPECT_FALSE(all_finite(values)) << n;
    EXPECT_TRUE(all_finite(std::span(values).first(n - 1))) << n;
  }
}

TEST(Finite, ManyCountAsWellAsOne) {
  EXPECT_FALSE(all_finite(std::vector<float>(1 << 16, NAN)));
}

}  // namespace
}  // namespace ncf
