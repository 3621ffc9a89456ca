#include "ncf/embed/row_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace ncf {
namespace {

TEST(RowTable, RowsDoNotDependOnTheNumberOfRanks) {
  const TableShape shape{"user", 37, 6, true};
  const RowTable whole(shape, {0, 1}, 42, 0);
  for (int64_t world : {2, 3, 8, 64})
    for (int64_t rank = 0; rank < world; ++rank) {
      const ShardMap shards{rank, world};
      const RowTable part(shape, shards, 42, 0);
      ASSERT_EQ(part.local_rows(), shards.local_rows(37));
      for (int64_t l = 0; l < part.local_rows(); ++l)
        for (int64_t c = 0; c < shape.cols(); ++c)
          ASSERT_EQ(part.weight.row(l)[c], whole.weight.row(shards.global(l))[c]);
    }
}

TEST(RowTable, RowsOfAnyWidthHaveDifferentValuesAndNoMoments) {
  for (int64_t width : {1, 2, 3, 4, 5, 31, 74, 600, 3000}) {
    const RowTable table({"user", 9, width, false}, {1, 2}, 42, 0);
    std::set<float> values;
    for (float w : table.weight.values()) values.insert(w);
    EXPECT_GT(std::ssize(values), 4 * width - 4) << "of 4 rows";  // equal ones are rare
    for (const Matrix* m : {&table.first_moment, &table.second_moment})
      for (float v : m->values()) ASSERT_EQ(v, 0);
  }
}

TEST(RowTable, EveryRowHasExactlyOneOwner) {
  for (int64_t total : {0, 1, 5, 64, 1000})
    for (int64_t world : {1, 2, 3, 7, 64}) {
      int64_t held = 0;
      for (int64_t rank = 0; rank < world; ++rank) held += ShardMap{rank, world}.local_rows(total);
      EXPECT_EQ(held, total);
    }
}

TEST(RowTable, InitialisationIsATruncatedNormal) {
  const RowTable table({"item", 2000, 50, false}, {0, 1}, 1, 1);
  double sum = 0, squares = 0, largest = 0;
  for (float w : table.weight.values()) {
    const auto x = static_cast<double>(w);
    sum += x;
    squares += x * x;
    largest = std::max(largest, std::abs(x));
  }
  const double n = 2000 * 50, deviation = std::sqrt(squares / n);
  EXPECT_LE(largest, 0.02);
  EXPECT_GT(largest, 0.0199);
  EXPECT_NEAR(sum / n, 0, 4 * 0.0088 / std::sqrt(n));
  EXPECT_NEAR(deviation, 0.0087963, 0.0001);  // of a normal truncated at two sigma: 0.87963 σ
}

TEST(RowTable, TablesAndSeedsDiffer) {
  const TableShape shape{"user", 10, 4, false};
  const RowTable a(shape, {0, 1}, 1, 0), b(shape, {0, 1}, 1, 1), c(shape, {0, 1}, 2, 0);
  EXPECT_NE(a.weight.row(0)[0], b.weight.row(0)[0]);
  EXPECT_NE(a.weight.row(0)[0], c.weight.row(0)[0]);
}

}  // namespace
}  // namespace ncf
