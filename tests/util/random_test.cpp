#include "ncf/util/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

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
  double u = 0, z = 0, zz = 0;
  for (uint64_t k = 0; k < n; ++k) {
    const double x = random_uniform(9, Purpose::synthetic, 0, k);
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    u += x;
    const double normal = random_normal(9, Purpose::synthetic, 1, k);
    z += normal;
    zz += normal * normal;
  }
  EXPECT_NEAR(u / n, 0.5, 5 * 0.289 / std::sqrt(n));
  EXPECT_NEAR(z / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(zz / n, 1, 5 * std::sqrt(2.0 / n));
}

/// Each value is the quantile, of the normal distribution between -2 and 2, of one word of its block.
TEST(Random, TruncatedNormalsAreQuantilesOfTheWordsOfTheirBlocks) {
  const uint64_t seed = (uint64_t{7} << 32) + 9, a = (uint64_t{5} << 32) + 2;
  std::vector<uint64_t> blocks;
  for (uint64_t k = 0; k < 1003; ++k) blocks.push_back(k * k * 0x10000001ULL);
  const std::size_t n = blocks.size();
  std::vector<float> values(4 * n);
  random_truncated_normals(seed, Purpose::embedding_init, a, blocks, values);
  const double below = 0.5 * std::erfc(2 / std::sqrt(2.0)), inside = 1 - 2 * below;
  for (std::size_t k = 0; k < n; ++k) {
    const auto words = random_block(seed, Purpose::embedding_init, a, blocks[k]);
    for (std::size_t w = 0; w < 4; ++w) {
      const auto x = static_cast<double>(values[w * n + k]);
      const double p = (0.5 * std::erfc(-x / std::sqrt(2.0)) - below) / inside;  // its place from 0 to 1
      // An error of 1e-7 in x moves its place by at most 1e-7 / sqrt(2 pi) / inside, and x has 24 bits.
      ASSERT_NEAR(p, (words[w] + 0.5) * 0x1p-32, 2e-7) << x;
      ASSERT_LE(std::abs(x), 2);
    }
  }
}

TEST(Random, NormalsAreQuantilesOfTheirBits) {
  for (uint64_t k = 0; k < 20000; ++k) {
    const double x = random_normal(3, Purpose::synthetic, 4, k);
    const double p = (static_cast<double>(random_bits(3, Purpose::synthetic, 4, k) >> 12) + 0.5) * 0x1p-52;
    ASSERT_NEAR(0.5 * std::erfc(-x / std::sqrt(2.0)) / p, 1, 1e-13 * (1 + x * x)) << x;
  }
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
