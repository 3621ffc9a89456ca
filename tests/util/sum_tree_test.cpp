#include "ncf/util/sum_tree.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ncf {
namespace {

TEST(Granules, BlocksCoverEachRanksGranulesAndAreWholeSubtrees) {
  for (int64_t count : {1, 2, 4, 8, 32})
    for (int64_t world : {1, 2, 3, 4, 5, 7, 8, 9, 64}) {
      const Granules g = Granules::fixed(count, world);
      int64_t next = 0;
      for (int64_t r = 0; r < world; ++r) {
        EXPECT_EQ(g.first(r), next);
        for (const Block& b : g.blocks(r)) {
          EXPECT_EQ(b.first, next);
          EXPECT_EQ(b.first % b.count, 0);
          next += b.count;
        }
        if (count % world == 0) {
          EXPECT_EQ(g.blocks(r).size(), 1U);
        }
      }
      EXPECT_EQ(next, count);
    }
}

TEST(Granules, PartsOfABatchMeet) {
  for (int64_t batch : {1, 5, 63, 64, 8191})
    for (int64_t world : {1, 2, 3, 8, 64})
      for (const Granules& g : {Granules::one_a_rank(world), Granules::fixed(8, world)}) {
        EXPECT_EQ(g.part(batch, 0), 0);
        EXPECT_EQ(g.part(batch, world), batch);
        for (int64_t r = 0; r < world; ++r) EXPECT_LE(g.part(batch, r), g.part(batch, r + 1));
      }
}

/// Leaves that make every order of addition visible.
std::vector<float> leaf(int64_t granule, int64_t n) {
  std::vector<float> out;
  for (int64_t i = 0; i < n; ++i)
    out.push_back(static_cast<float>(std::sin(static_cast<double>(granule * 100 + i)) *
                                     std::pow(10.0, static_cast<double>(granule % 5))));
  return out;
}

TEST(SumTree, TheSumIsTheSameHoweverRanksCutTheTree) {
  constexpr int64_t n = 13, count = 16;
  std::vector<std::vector<float>> leaves;
  for (int64_t g = 0; g < count; ++g) leaves.push_back(leaf(g, n));
  SumTree<float> tree;
  std::vector<float> expected;
  for (int64_t world : {1, 2, 3, 4, 5, 7, 8, 16, 20}) {
    const Granules granules = Granules::fixed(count, world);
    std::vector<std::vector<float>> sums;
    std::vector<Term<float>> across;
    sums.reserve(64);
    for (int64_t r = 0; r < world; ++r)
      for (const Block& b : granules.blocks(r)) {
        std::vector<Term<float>> inside;
        for (int64_t g = b.first; g < b.first + b.count; ++g)
          if (g != 6)
            inside.push_back({{g, 1}, leaves[static_cast<std::size_t>(g)].data()});  // granule 6 has nothing
        if (inside.empty()) continue;
        sums.emplace_back(static_cast<std::size_t>(n));
        const float* at = tree.sum(inside, b, n, sums.back().data());
        std::copy_n(at, n, sums.back().data());
        across.push_back({b, sums.back().data()});
      }
    std::vector<float> total(static_cast<std::size_t>(n));
    std::copy_n(tree.sum(across, {0, granules.leaves()}, n, total.data()), n, total.data());
    if (world == 1) expected = total;
    EXPECT_EQ(total, expected) << world << " ranks";
  }
}

TEST(SumTree, NothingIsNull) {
  SumTree<double> tree;
  double out = 0;
  EXPECT_EQ(tree.sum({}, {0, 8}, 1, &out), nullptr);
}

}  // namespace
}  // namespace ncf
