#include "ncf/data/split.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "ncf/data/permutation.hpp"

using namespace ncf;

namespace {

using Flags = std::vector<uint8_t>;

RatingsPart rows(int64_t first_row, std::size_t count) {
  RatingsPart part;
  part.first_row = first_row;
  part.offsets = {0, static_cast<int64_t>(count)};
  part.items.resize(count);
  part.values.resize(count);
  return part;
}

TEST(RandomSplit, HasExactlyTheFractionAndFollowsItsRule) {
  for (const int64_t n : {1, 2, 5, 99, 1000}) {
    for (const double fraction : {0.0, 0.1, 0.2, 0.5, 0.999}) {
      DataConfig config;
      config.valid_fraction = fraction;
      const Flags valid = validation_rows(rows(0, static_cast<std::size_t>(n)), n, config, 3);
      const auto limit = static_cast<int64_t>(std::floor(fraction * static_cast<double>(n)));
      EXPECT_EQ(std::accumulate(valid.begin(), valid.end(), int64_t{0}), limit);
      const Permutation order(static_cast<uint64_t>(n), 3, Purpose::split, 0);
      for (uint64_t i = 0; i < valid.size(); ++i)
        ASSERT_EQ(valid[i], order.forward(i) < static_cast<uint64_t>(limit) ? 1 : 0);
    }
  }
}

TEST(RandomSplit, DoesNotDependOnThePartOfTheRank) {
  const DataConfig config;
  const Flags whole = validation_rows(rows(0, 1000), 1000, config, 5);
  for (const int64_t cut : {0, 1, 617, 1000}) {
    const Flags end = validation_rows(rows(cut, static_cast<std::size_t>(1000 - cut)), 1000, config, 5);
    EXPECT_EQ(Flags(whole.begin() + cut, whole.end()), end);
  }
  EXPECT_NE(validation_rows(rows(0, 1000), 1000, config, 6), whole);
}

TEST(LeaveOneOut, TakesTheLatestOfEachUser) {
  RatingsPart part;
  part.offsets = {0, 3, 4, 4, 7};
  part.items = {4, 5, 6, 1, 2, 8, 9};
  part.values.resize(7);
  part.times = {30, 50, 40, 99, 10, 20, 20};
  DataConfig config;
  config.split = SplitKind::leave_one_out;
  EXPECT_EQ(validation_rows(part, 7, config, 1), (Flags{0, 1, 0, /* alone */ 0, 0, 0, /* equally late */ 1}));
}

TEST(GivenSplit, IsTheDataSets) {
  RatingsPart part = rows(0, 3);
  part.valid = {1, 0, 1};
  DataConfig config;
  config.split = SplitKind::given;
  EXPECT_EQ(validation_rows(part, 3, config, 1), part.valid);
}

}  // namespace
