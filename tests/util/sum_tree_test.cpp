// The order of sums does not depend on how ranks share the tree.
#include "ncf/util/sum_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ncf/util/granules.hpp"

namespace ncf {
namespace {

TEST(Granules, PartsOfABatchCoverItOnce) {
  for (const int64_t world : {1, 2, 4, 8})
    for (const Granules& g :
         {Granules::of_each_rank(world), Granules::of_each_rank(world, 3), Granules::fixed(8, world)})
      for (const int64_t batch : {0, 1, 5, 64, 8191}) {
        std::vector<std::pair<int64_t, int64_t>> parts;
        for (int64_t r = 0; r < world; ++r) {
          EXPECT_EQ(g.rank_of_subtree(g.subtree(r)), r);
          parts.emplace_back(g.part(batch, r), g.part(batch, r) + g.part_size(batch, r));
        }
        std::ranges::sort(parts);
        int64_t at = 0;
        for (const auto& [first, end] : parts) {
          EXPECT_EQ(first, at);
          at = end;
        }
        EXPECT_EQ(at, batch);
      }
}

TEST(Granules, TheSmallestAndTheLargestDifferByOneSample) {
  const Granules g = Granules::fixed(8, 2);
  for (const int64_t batch : {3, 64, 100, 8191})
    for (int64_t k = 0; k < 8; ++k) {
      const int64_t size = g.sample(batch, k + 1) - g.sample(batch, k);
      EXPECT_TRUE(size == batch / 8 || size == batch / 8 + 1) << batch << ' ' << k;
    }
}

TEST(Granules, ARowsLeafDoesNotDependOnTheNumberOfRanks) {
  for (int64_t row = 0; row < 100; ++row)
    for (const int64_t world : {1, 2, 4, 8}) {
      const Granules g = Granules::fixed(8, world);
      const int64_t owner = row % world, local = row / world;  // as ShardMap
      const int64_t leaf = g.subtree(owner) * g.a_rank() + g.leaf_of_class(local % g.a_rank());
      EXPECT_EQ(leaf, Granules::reversed(row % 8, 8)) << row << " at " << world;
    }
}

TEST(Granules, AsManyRanksAsCanShareThem) {
  EXPECT_EQ(ranks_for_granules(8, 1), 1);
  EXPECT_EQ(ranks_for_granules(8, 3), 2);
  EXPECT_EQ(ranks_for_granules(8, 8), 8);
  EXPECT_EQ(ranks_for_granules(8, 30), 8);
  EXPECT_EQ(ranks_for_granules(1, 5), 1);
}

template <class T>
std::vector<std::vector<T>> terms_of(std::size_t count, std::size_t n) {
  std::vector<std::vector<T>> out(count, std::vector<T>(n));
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = 0; i < n; ++i)
      out[k][i] = static_cast<T>(std::sin(1.7 * static_cast<double>(k * 31 + i)));
  return out;
}

template <class T>
std::vector<const T*> pointers(const std::vector<std::vector<T>>& terms) {
  std::vector<const T*> out;
  for (const auto& t : terms) out.push_back(t.data());
  return out;
}

template <class T>
void expect_the_same_tree_in_two_parts() {
  SumTree tree;
  constexpr std::size_t n = 37;
  for (const std::size_t count : {2, 4, 8, 16, 32, 64}) {
    const auto terms = terms_of<T>(count, n);
    const auto all = pointers(terms);
    std::vector<T> whole(n), left(n), right(n), both(n);
    tree.sum(std::span<const T* const>(all), n, whole.data());
    tree.sum(std::span<const T* const>(all).first(count / 2), n, left.data());
    tree.sum(std::span<const T* const>(all).subspan(count / 2), n, right.data());
    const T* halves[] = {left.data(), right.data()};
    tree.sum(std::span<const T* const>(halves), n, both.data());
    EXPECT_EQ(whole, both) << count;
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (const auto& t : terms) sum += static_cast<double>(t[i]);
      EXPECT_NEAR(static_cast<double>(whole[i]), sum, 1e-5);
    }
  }
}

TEST(SumTree, HalvesAddUpToTheSameBits) {
  expect_the_same_tree_in_two_parts<float>();
  expect_the_same_tree_in_two_parts<double>();
}

TEST(SumTree, TheResultMayTakeTheMemoryOfATerm) {
  SumTree tree;
  for (const std::size_t count : {1, 2, 3, 4, 7, 8, 16})
    for (std::size_t into = 0; into < count; ++into) {
      auto terms = terms_of<float>(count, 20);
      const auto all = pointers(terms);
      std::vector<float> apart(20);
      tree.sum(std::span<const float* const>(all), 20, apart.data());
      tree.sum(std::span<const float* const>(all), 20, terms[into].data());
      EXPECT_EQ(terms[into], apart) << count << ' ' << into;
    }
}

TEST(SumTree, OfNothingIsZero) {
  SumTree tree;
  std::vector<float> out(3, 1.0F);
  tree.sum(std::span<const float* const>(), 3, out.data());
  EXPECT_EQ(out, std::vector<float>(3, 0.0F));
}

}  // namespace
}  // namespace ncf
