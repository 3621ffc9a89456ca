#include "ncf/util/denormals.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace ncf {
namespace {

float halved(float x) {
  volatile float value = x, half = 0.5F;  // not worked out by the compiler
  return value * half;
}

TEST(FlushDenormals, WhileItLives) {
  const float smallest = std::numeric_limits<float>::min();
  EXPECT_GT(halved(smallest), 0);
  {
    const FlushDenormals flush;
    EXPECT_EQ(halved(smallest), 0) << "as a result";
    EXPECT_EQ(halved(std::numeric_limits<float>::denorm_min()) * 1e30F, 0) << "as an operand";
    EXPECT_EQ(halved(4.0F), 2.0F);
  }
  EXPECT_GT(halved(smallest), 0);
}

}  // namespace
}  // namespace ncf
