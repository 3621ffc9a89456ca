// Sums of samples by row, in one granule or several, on one rank or cut over two.
#include "ncf/embed/row_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t unique = 11, cols = 5;
constexpr std::size_t samples = 40;

std::vector<int32_t> random_slots() {
  std::vector<int32_t> out(samples);
  for (std::size_t k = 0; k < samples; ++k)
    out[k] =
        static_cast<int32_t>(random_below(unique - 1, 5, Purpose::synthetic, 0, k));  // the last has none
  return out;
}

float term(std::size_t sample, int64_t col) {
  return static_cast<float>(std::sin(1.3 * static_cast<double>(sample * 7) + static_cast<double>(col)));
}

Matrix sum(std::span<const int32_t> slots, std::size_t first, const std::vector<int64_t>& bounds,
           int64_t threads = 1) {
  WorkerPool pool(threads);
  Matrix total(unique, cols);
  RowSums sums;
  sums.begin(slots, bounds, total.view());
  for (std::size_t k = 0; k < slots.size(); ++k)
    for (int64_t c = 0; c < cols; ++c) {
      float& to = sums.values()(sums.terms()[k], c);
      to = (sums.first()[k] != 0 ? 0 : to) + term(first + k, c);
    }
  sums.finish(pool);
  return total;
}

TEST(RowSums, AreTheSumsOfTheirSamples) {
  const auto slots = random_slots();
  for (const auto& bounds :
       {std::vector<int64_t>{0, 40}, {0, 20, 40}, {0, 0, 13, 40}, {0, 5, 10, 15, 20, 25, 30, 35, 40}}) {
    const Matrix total = sum(slots, 0, bounds);
    ASSERT_EQ(total.rows(), unique);
    for (int64_t u = 0; u < unique; ++u)
      for (int64_t c = 0; c < cols; ++c) {
        double expected = 0;
        for (std::size_t k = 0; k < samples; ++k)
          if (slots[k] == u) expected += static_cast<double>(term(k, c));
        EXPECT_NEAR(total.row(u)[c], expected, 1e-5) << u;
      }
  }
}

TEST(RowSums, KnowTheFirstSampleOfEachSum) {
  const auto slots = random_slots();
  for (const auto& bounds : {std::vector<int64_t>{0, 40}, {0, 20, 40}, {0, 0, 13, 40}}) {
    Matrix total(unique, cols);
    RowSums sums;
    for (int time = 0; time < 2; ++time) sums.begin(slots, bounds, total.view());
    ASSERT_EQ(sums.first().size(), samples);
    for (std::size_t k = 0; k < samples; ++k) {
      const auto before = sums.terms().first(k);
      EXPECT_EQ(sums.first()[k], std::ranges::find(before, sums.terms()[k]) == before.end() ? 1 : 0) << k;
    }
  }
}

TEST(RowSums, TwoRanksWithHalfTheGranulesAddUpToTheSameBits) {
  const auto slots = random_slots();
  const Matrix whole = sum(slots, 0, {0, 10, 20, 30, 40});
  const Matrix left = sum(std::span(slots).first(20), 0, {0, 10, 20});
  const Matrix right = sum(std::span(slots).subspan(20), 20, {0, 10, 20});
  for (std::size_t i = 0; i < whole.values().size(); ++i)
    EXPECT_EQ(whole.values()[i], left.values()[i] + right.values()[i]);
}

TEST(RowSums, ThreadsChangeNoBit) {
  const auto slots = random_slots();
  const std::vector<int64_t> bounds = {0, 10, 20, 30, 40};
  const Matrix one = sum(slots, 0, bounds);
  for (const int64_t threads : {2, 3, 50}) {
    const Matrix several = sum(slots, 0, bounds, threads);
    EXPECT_TRUE(std::ranges::equal(one.values(), several.values())) << threads;
  }
}

}  // namespace
}  // namespace ncf
