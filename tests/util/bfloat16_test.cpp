#include "ncf/util/bfloat16.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace ncf {
namespace {

float there_and_back(float x) {
  uint16_t half = 0;
  to_bfloat16(&x, 1, &half);
  float out = 0;
  from_bfloat16(&half, 1, &out);
  return out;
}

TEST(Bfloat16, EveryOneComesBackAsItIs) {
  std::vector<uint16_t> all(1 << 16), back(all.size());
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = static_cast<uint16_t>(k);
  std::vector<float> floats(all.size());
  from_bfloat16(all.data(), std::ssize(all), floats.data());
  to_bfloat16(floats.data(), std::ssize(floats), back.data());
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (std::isnan(floats[k]))
      EXPECT_TRUE(std::isnan(there_and_back(floats[k])));
    else
      EXPECT_EQ(all[k], back[k]);
  }
}

TEST(Bfloat16, ToTheNearestAndTiesToEven) {
  constexpr float step = 1.0F / 128;  // between numbers from 1 to 2
  EXPECT_EQ(there_and_back(1 + 0.49F * step), 1);
  EXPECT_EQ(there_and_back(1 + 0.51F * step), 1 + step);
  EXPECT_EQ(there_and_back(1 + 0.5F * step), 1);
  EXPECT_EQ(there_and_back(1 + 1.5F * step), 1 + 2 * step);
  EXPECT_EQ(there_and_back(-1 - 1.5F * step), -1 - 2 * step);
  EXPECT_EQ(there_and_back(2 - 0.25F * step), 2);
  for (int k = 1; k < 1000; ++k) {
    const float x = std::sin(static_cast<float>(k)) * std::ldexp(1.0F, k % 40 - 20);
    EXPECT_LE(std::abs(there_and_back(x) - x), std::abs(x) / 256) << x;
  }
}

TEST(Bfloat16, WhatIsNotFiniteStaysSo) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(there_and_back(infinity), infinity);
  EXPECT_EQ(there_and_back(-infinity), -infinity);
  EXPECT_EQ(there_and_back(std::numeric_limits<float>::max()), infinity);
  EXPECT_TRUE(std::isnan(there_and_back(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(there_and_back(std::bit_cast<float>(0x7f800001U)))) << "all in the lower half";
  EXPECT_TRUE(std::isnan(there_and_back(std::bit_cast<float>(0x7fffffffU)))) << "rounded up it would be 0";
}

}  // namespace
}  // namespace ncf
