#include "ncf/data/user_ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "ncf/data/slice.hpp"
#include "ncf/util/random.hpp"

using namespace ncf;

namespace {

using Bounds = std::vector<int64_t>;

TEST(UserRanges, BalanceRatings) {
  EXPECT_EQ(user_ranges(Bounds{5, 5, 5, 5}, 2), (Bounds{0, 2, 4}));
  EXPECT_EQ(user_ranges(Bounds{100, 1, 1, 1}, 2), (Bounds{0, 1, 4}));
  EXPECT_EQ(user_ranges(Bounds{1, 1, 1, 100}, 2), (Bounds{0, 3, 4}));
  EXPECT_EQ(user_ranges(Bounds{}, 3), (Bounds{0, 0, 0, 0}));
  EXPECT_EQ(user_ranges(Bounds{0, 0}, 1), (Bounds{0, 2}));
}

TEST(UserRanges, CoverAllUsersInOrderAndStayNearTheShare) {
  for (const int64_t users : {1, 3, 100}) {
    for (const int64_t world : {1, 2, 3, 8, 64}) {
      Bounds counts;
      for (int64_t u = 0; u < users; ++u)
        counts.push_back(
            static_cast<int64_t>(random_below(200, 1, Purpose::synthetic, 15, static_cast<uint64_t>(u))));
      const Bounds bounds = user_ranges(counts, world);
      ASSERT_EQ(std::ssize(bounds), world + 1);
      EXPECT_EQ(bounds.front(), 0);
      EXPECT_EQ(bounds.back(), users);
      EXPECT_TRUE(std::is_sorted(bounds.begin(), bounds.end()));
      const auto total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
      for (std::size_t r = 0; r + 1 < bounds.size(); ++r) {
        const auto mine =
            std::accumulate(counts.begin() + bounds[r], counts.begin() + bounds[r + 1], int64_t{0});
        EXPECT_LE(mine, total / world + 1 + *std::max_element(counts.begin(), counts.end()));
      }
    }
  }
}

TEST(Slice, CutsEvenly) {
  for (const int64_t n : {0, 1, 7, 64, 1000}) {
    for (const int64_t world : {1, 2, 3, 8, 64}) {
      int64_t at = 0;
      for (int64_t rank = 0; rank < world; ++rank) {
        const Slice slice{rank, world};
        EXPECT_EQ(slice.first(n), at);
        at = slice.last(n);
        EXPECT_LE(std::abs((at - slice.first(n)) * world - n), world);
      }
      EXPECT_EQ(at, n);
    }
  }
}

}  // namespace
