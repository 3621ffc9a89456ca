#include "ncf/util/exact_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ncf {
namespace {

TEST(ExactSum, AnyOrderAndAnyGroupingGiveTheSameBits) {
  std::vector<double> terms;
  for (int k = 0; k < 5000; ++k) terms.push_back(std::sin(k) * std::pow(10, k % 9 - 4));
  ExactSum forward, backward;
  for (double t : terms) forward.add(t);
  std::ranges::reverse(terms);
  for (double t : terms) backward.add(t);
  EXPECT_EQ(forward.value(), backward.value());

  for (std::size_t parts : {2U, 3U, 8U}) {
    std::array<int64_t, 5> limbs{};
    for (std::size_t p = 0; p < parts; ++p) {
      ExactSum part;
      for (std::size_t k = p; k < terms.size(); k += parts) part.add(terms[k]);
      const auto more = part.limbs();
      for (std::size_t i = 0; i < limbs.size(); ++i) limbs[i] += more[i];
    }
    EXPECT_EQ(ExactSum::from_limbs(limbs).value(), forward.value());
  }
}

TEST(ExactSum, TermsAreRoundedToTheNearestMultipleAndTiesToEven) {
  constexpr double unit = 0x1p-40;
  for (const auto& [term, rounded] :
       std::initializer_list<std::pair<double, double>>{{0.5, 0},
                                                        {1.5, 2},
                                                        {2.5, 2},
                                                        {-0.5, 0},
                                                        {-1.5, -2},
                                                        {0.75, 1},
                                                        {-1.25, -1},
                                                        {0x1p62, 0x1p62},
                                                        {-0x1p62, -0x1p62},
                                                        {0x1p79, 0x1p79}}) {  // beyond 64 bits, too
    ExactSum sum;
    sum.add(term * unit);
    EXPECT_EQ(sum.value(), rounded * unit) << term;
  }
}

/// Blocks of terms below 2^11, and such that have others among them.
TEST(ExactSum, ManyTermsAtOnceAddUpAsOneByOne) {
  for (const double odd : {0.0, 2047.9, -2048.0, 1e9, -1e11, 1e300, static_cast<double>(NAN)})
    for (const std::size_t count : {0UL, 1UL, 7UL, 2048UL, 2049UL, 10'000UL}) {
      std::vector<double> terms(count);
      for (std::size_t k = 0; k < count; ++k)
        terms[k] = k % 3 == 0 ? 2047.0 + std::sin(static_cast<double>(k)) / 2
                              : -std::exp(-static_cast<double>(k % 40));
      for (std::size_t k = 0; k < count; k += 5)
        terms[k] = std::ldexp(static_cast<double>(k) + 0.5, -40);  // ties
      if (count > 5) terms[count - 3] = odd;
      ExactSum one_by_one, at_once;
      for (const double term : terms) one_by_one.add(term);
      at_once.add(terms);
      EXPECT_EQ(at_once.limbs(), one_by_one.limbs()) << count << " terms, " << odd;
    }
}

TEST(ExactSum, NegativeTotalsSurviveTheirLimbs) {
  ExactSum sum;
  sum.add(-1234.5);
  sum.add(0.25);
  EXPECT_EQ(sum.value(), -1234.25);
  EXPECT_EQ(ExactSum::from_limbs(sum.limbs()).value(), -1234.25);
}

TEST(ExactSum, WhatIsNotFiniteShows) {
  for (double bad : std::initializer_list<double>{NAN, INFINITY, -INFINITY, 1e300}) {
    ExactSum sum;
    sum.add(1);
    sum.add(bad);
    EXPECT_TRUE(std::isnan(sum.value()));
    EXPECT_TRUE(std::isnan(ExactSum::from_limbs(sum.limbs()).value()));
  }
}

}  // namespace
}  // namespace ncf
