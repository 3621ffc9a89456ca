#include "ncf/util/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace ncf {
namespace {

TEST(Random, ADrawIsAPureFunctionOfItsArguments) {
  EXPECT_EQ(random_bits(1, Purpose::split, 2, 3), random_bits(1, Purpose::split, 2, 3));
  const std::set<uint64_t> all = {
      random_bits(1, Purpose::split, 2, 3),   random_bits(2, Purpose::split, 2, 3),
      random_bits(1, Purpose::dropout, 2, 3), random_bits(1, Purpose::split, 3, 3),
      random_bits(1, Purpose::split, 2, 4),   random_bits(1ULL << 32, Purpose::split, 2, 3)};
  EXPECT_EQ(all.size(), 6U);
}

TEST(Random, ValuesNeverChange) {
  // A seed means the same run for ever; Philox4x32-10 has published known answers.
  const auto block = random_block(0, static_cast<Purpose>(0), 0, 0);
  EXPECT_EQ(block[0], 0x6627e8d5U);
  EXPECT_EQ(block[1], 0xe169c58dU);
  EXPECT_EQ(block[2], 0xbc57ac4cU);
  EXPECT_EQ(block[3], 0x9b00dbd8U);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  constexpr int n = 200000;
  double u = 0, z = 0, zz = 0, t_max = 0;
  for (uint64_t k = 0; k < n; ++k) {
    const double x = random_uniform(9, Purpose::synthetic, 0, k);
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    u += x;
    const double normal = random_normal(9, Purpose::synthetic, 1, k);
    z += normal;
    zz += normal * normal;
    t_max = std::max(t_max, std::abs(random_truncated_normal(9, Purpose::synthetic, 2, k)));
  }
  EXPECT_NEAR(u / n, 0.5, 5 * 0.289 / std::sqrt(n));
  EXPECT_NEAR(z / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(zz / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_LE(t_max, 2);
  EXPECT_GT(t_max, 1.999);
}

TEST(Random, BelowCoversItsRangeEvenly) {
  constexpr int n = 60000;
  int counts[6] = {};
  for (uint64_t k = 0; k < n; ++k) ++counts[random_below(6, 1, Purpose::negatives, 0, k)];
  double chi = 0;
  for (int c : counts) chi += (c - n / 6.0) * (c - n / 6.0) / (n / 6.0);
  EXPECT_LT(chi, 20.5);  // 0.999 quantile at 5 degrees of freedom
}

}  // namespace
}  // namespace ncf
