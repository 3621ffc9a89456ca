#include "ncf/data/permutation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

using ncf::Permutation;
using ncf::Purpose;

namespace {

/// How far counts are from equal, in standard deviations of the chi-square distribution.
double chi_square_deviation(const std::vector<int64_t>& counts, int64_t draws) {
  const double expected = static_cast<double>(draws) / static_cast<double>(counts.size());
  double sum = 0;
  for (const int64_t c : counts)
    sum += (static_cast<double>(c) - expected) * (static_cast<double>(c) - expected) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(Permutation, IsABijectionWithItsInverseForEverySmallSize) {
  for (uint64_t n = 1; n <= 600; ++n) {
    for (uint64_t stream = 0; stream < 3; ++stream) {
      const Permutation p(n, 7, Purpose::epoch_order, stream);
      std::vector<bool> hit(n);
      for (uint64_t i = 0; i < n; ++i) {
        const uint64_t at = p.forward(i);
        ASSERT_LT(at, n);
        ASSERT_FALSE(hit[at]) << "n " << n << " index " << i;
        hit[at] = true;
        ASSERT_EQ(p.inverse(at), i);
      }
    }
  }
}

TEST(Permutation, InvertsAtLargeSizes) {
  for (const uint64_t n :
       {uint64_t{4095}, uint64_t{4096}, uint64_t{4097}, uint64_t{1'000'003}, uint64_t{1} << 32,
        (uint64_t{1} << 32) + 1, uint64_t{20'000'000'000'000}, uint64_t{1} << 62}) {
    const Permutation p(n, 1, Purpose::split, 0);
    for (uint64_t k = 0; k < 2000; ++k) {
      const uint64_t i = k < 1000 ? k : n - 1 - (k - 1000) * (n / 2000);
      const uint64_t at = p.forward(i);
      ASSERT_LT(at, n);
      ASSERT_EQ(p.inverse(at), i) << n;
    }
  }
}

TEST(Permutation, MovesManyIndicesLikeEachOne) {
  for (const uint64_t n : {uint64_t{1}, uint64_t{63}, uint64_t{1000}, uint64_t{4097}, uint64_t{1'000'003},
                           (uint64_t{1} << 32) + 1, uint64_t{1} << 62}) {
    const Permutation p(n, 3, Purpose::epoch_order, 2);
    for (const std::size_t count : {0, 1, 63, 64, 65, 300}) {
      std::vector<uint64_t> many(count);
      for (std::size_t k = 0; k < count; ++k) many[k] = (n - 1 - 7 * k % n) % n;
      const std::vector<uint64_t> before = many;
      p.forward(many);
      for (std::size_t k = 0; k < count; ++k) ASSERT_EQ(many[k], p.forward(before[k])) << n;
      p.inverse(many);
      ASSERT_EQ(many, before) << n;
    }
  }
}

TEST(Permutation, DependsOnEveryPartOfItsKey) {
  const uint64_t n = 1000;
  const Permutation base(n, 1, Purpose::epoch_order, 1);
  for (const Permutation& other :
       {Permutation(n, 2, Purpose::epoch_order, 1), Permutation(n, 1, Purpose::split, 1),
        Permutation(n, 1, Purpose::epoch_order, 2)}) {
    int64_t same = 0;
    for (uint64_t i = 0; i < n; ++i) same += base.forward(i) == other.forward(i);
    EXPECT_LT(same, 10);  // one is expected by chance
  }
}

TEST(Permutation, IsAFixedFunctionOfItsKey) {  // a changed value changes every user's split
  const Permutation p(100000, 42, Purpose::split, 0);
  EXPECT_EQ(p.forward(0), 53282U);
  EXPECT_EQ(p.forward(1), 19141U);
  EXPECT_EQ(p.forward(99999), 74955U);
}

/// Where an index goes, over many keys, is uniform; n is chosen to have every kind of grid.
TEST(Permutation, SendsAnIndexAnywhereEquallyOften) {
  constexpr int64_t keys = 40000;
  for (const uint64_t n : {2U, 3U, 5U, 7U, 9U, 12U, 17U, 31U, 33U, 100U}) {
    for (const uint64_t index : {uint64_t{0}, n / 2, n - 1}) {
      std::vector<int64_t> counts(n);
      for (uint64_t key = 0; key < keys; ++key)
        ++counts[Permutation(n, key, Purpose::split, 0).forward(index)];
      EXPECT_LT(chi_square_deviation(counts, keys), 5) << "n " << n << " index " << index;
    }
  }
}

/// Where two neighbours go together is uniform over all pairs of places.
TEST(Permutation, SendsNeighboursIndependently) {
  constexpr int64_t keys = 100000;
  for (const uint64_t n : {3U, 4U, 5U, 6U, 8U, 13U, 20U}) {
    for (const uint64_t distance : {1U, 2U}) {
      std::vector<int64_t> counts(n * (n - 1));
      for (uint64_t key = 0; key < keys; ++key) {
        const Permutation p(n, key, Purpose::epoch_order, 3);
        const uint64_t a = p.forward(0), b = p.forward(distance);
        ++counts[a * (n - 1) + b - (b > a)];
      }
      EXPECT_LT(chi_square_deviation(counts, keys), 5) << "n " << n;
    }
  }
}

/// All orders of a few indices are about equally likely.
TEST(Permutation, ReachesEveryOrder) {
  constexpr int64_t keys = 120000;
  for (const uint64_t n : {3U, 4U, 5U}) {
    std::vector<int64_t> counts(n == 3 ? 6 : n == 4 ? 24 : 120);
    for (uint64_t key = 0; key < keys; ++key) {
      const Permutation p(n, key, Purpose::epoch_order, 0);
      std::size_t code = 0;
      for (uint64_t i = 0; i < n; ++i) {
        uint64_t smaller_later = 0;
        for (uint64_t j = i + 1; j < n; ++j) smaller_later += p.forward(j) < p.forward(i);
        code = code * (n - i) + smaller_later;
      }
      ++counts[code];
    }
    EXPECT_LT(chi_square_deviation(counts, keys), 5) << "n " << n;
  }
}

/// Under one key of a large permutation: the distances between neighbours' places, and the places that a run
/// of indices gets, are spread evenly.
TEST(Permutation, SpreadsRunsOfIndicesEvenly) {
  constexpr std::size_t bins = 64;
  for (const uint64_t n : {uint64_t{5000}, uint64_t{80000}, uint64_t{1'000'209}, uint64_t{100'000'000}}) {
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const Permutation p(n, seed, Purpose::epoch_order, 1);
      const uint64_t run = std::min<uint64_t>(n / 10, 100000);
      std::vector<int64_t> places(bins), distances(bins);
      for (uint64_t i = 0; i < run; ++i) {
        const uint64_t a = p.forward(i), b = p.forward(i + 1);
        ++places[a * bins / n];
        ++distances[(b + n - a) % n * bins / n];
      }
      EXPECT_LT(chi_square_deviation(places, static_cast<int64_t>(run)), 5) << n;
      EXPECT_LT(chi_square_deviation(distances, static_cast<int64_t>(run)), 5) << n;
    }
  }
}

}  // namespace
