#include "ncf/config/nearest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ncf {
namespace {

const std::vector<std::string> keys = {"train.epochs", "train.eps", "eval.every_epochs", "run.seed",
                                       "data.csv.user"};

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("epoch", "epochs"), 1U);
  EXPECT_EQ(edit_distance("epohcs", "epochs"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(EditDistance, IsSymmetric) {
  for (const auto& a : keys)
    for (const auto& b : keys) EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
}

TEST(Nearest, FindsAMistypedName) {
  EXPECT_EQ(nearest("train.epoch", keys), "train.epochs");
}

TEST(Nearest, FindsAKeyWithoutItsSection) {
  EXPECT_EQ(nearest("epochs", keys), "train.epochs");
}

TEST(Nearest, FindsAKeyOfAnotherSection) {
  EXPECT_EQ(nearest("train.seed", keys), "run.seed");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest("checkpoint.keep_last", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(Nearest, HintIsEmptyWithoutANearName) {
  EXPECT_EQ(nearest_hint("epochz", keys), ", the nearest is train.epochs");
  EXPECT_EQ(nearest_hint("checkpoint.keep_last", keys), "");
}

}  // namespace
}  // namespace ncf
