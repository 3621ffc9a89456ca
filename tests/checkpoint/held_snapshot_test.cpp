#include "ncf/checkpoint/held_snapshot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "checkpoint/example.hpp"

namespace ncf {
namespace {

using testing::Example;
using testing::example_tables;

/// Spoils everything the snapshot looks at.
void spoil(const Snapshot& snapshot) {
  for (const TableView& table : snapshot.tables) {
    for (const MatrixView& m : {table.weight, table.first_moment, table.second_moment})
      for (int64_t r = 0; r < m.rows; ++r) std::fill_n(m.row(r), m.cols, -1.0F);
    if (table.last_step) std::ranges::fill(*table.last_step, -1);
  }
  for (const DenseView& dense : snapshot.dense)
    for (const std::span<float>& span : {dense.value, dense.first_moment, dense.second_moment})
      std::ranges::fill(span, -1.0F);
}

void expect_equal(const MatrixView& here, const MatrixView& there) {
  ASSERT_EQ(here.rows, there.rows);
  ASSERT_EQ(here.cols, there.cols);
  for (int64_t r = 0; r < here.rows; ++r)
    for (int64_t c = 0; c < here.cols; ++c)
      ASSERT_EQ(std::bit_cast<uint32_t>(here(r, c)), std::bit_cast<uint32_t>(there(r, c))) << r << ", " << c;
}

void expect_equal(const Snapshot& held, const Snapshot& right) {
  EXPECT_EQ(held.progress, right.progress);
  EXPECT_EQ(held.config_yaml, right.config_yaml);
  EXPECT_EQ(held.extra, right.extra);
  EXPECT_EQ(held.users, right.users);
  ASSERT_EQ(held.tables.size(), right.tables.size());
  for (std::size_t t = 0; t < held.tables.size(); ++t) {
    SCOPED_TRACE("table " + held.tables[t].name);
    EXPECT_EQ(held.tables[t].total_rows, right.tables[t].total_rows);
    EXPECT_EQ(held.tables[t].has_bias, right.tables[t].has_bias);
    expect_equal(held.tables[t].weight, right.tables[t].weight);
    expect_equal(held.tables[t].first_moment, right.tables[t].first_moment);
    expect_equal(held.tables[t].second_moment, right.tables[t].second_moment);
    ASSERT_EQ(held.tables[t].last_step.has_value(), right.tables[t].last_step.has_value());
    if (held.tables[t].last_step) {
      EXPECT_TRUE(std::ranges::equal(*held.tables[t].last_step, *right.tables[t].last_step));
    }
  }
  ASSERT_EQ(held.dense.size(), right.dense.size());
  for (std::size_t d = 0; d < held.dense.size(); ++d) {
    SCOPED_TRACE(held.dense[d].path);
    EXPECT_EQ(held.dense[d].shape, right.dense[d].shape);
    EXPECT_TRUE(std::ranges::equal(held.dense[d].value, right.dense[d].value));
    EXPECT_TRUE(std::ranges::equal(held.dense[d].first_moment, right.dense[d].first_moment));
    EXPECT_TRUE(std::ranges::equal(held.dense[d].second_moment, right.dense[d].second_moment));
  }
}

/// The example has biases, a table without rows, and parameters without moments; rank 5 of 6 has no items.
TEST(HeldSnapshot, KeepsWhatWasThereWhateverComesLater) {
  for (const auto& [rank, world] : {std::pair(0, 1), std::pair(1, 3), std::pair(5, 6)}) {
    Example changing(rank, world), right(rank, world);
    HeldSnapshot held;
    held.hold(changing.snapshot(7));
    spoil(changing.snapshot());
    expect_equal(held.snapshot(), right.snapshot(7));
  }
}

TEST(HeldSnapshot, TheNextOneReplacesItInTheSameMemory) {
  Example first(0, 1), second(0, 1), right(0, 1);
  spoil(first.snapshot());
  HeldSnapshot held;
  held.hold(first.snapshot(1));
  const int64_t bytes = held.memory_bytes();
  held.hold(second.snapshot(2));
  EXPECT_EQ(held.memory_bytes(), bytes);
  spoil(second.snapshot());
  expect_equal(held.snapshot(), right.snapshot(2));
}

TEST(HeldSnapshot, AnotherShapeMayFollow) {
  Example small(1, 3), large(0, 1), right_large(0, 1), right_small(1, 3);
  HeldSnapshot held;
  held.hold(small.snapshot());
  held.hold(large.snapshot());
  spoil(large.snapshot());
  expect_equal(held.snapshot(), right_large.snapshot());
  Snapshot no_moments = small.snapshot();
  no_moments.tables = small.tables(false);
  no_moments.dense = small.dense(false);
  held.hold(no_moments);
  spoil(no_moments);
  Snapshot right = right_small.snapshot();
  right.tables = right_small.tables(false);
  right.dense = right_small.dense(false);
  expect_equal(held.snapshot(), right);
}

TEST(HeldSnapshot, ViewsWithGapsBetweenRowsAreCopiedWithoutThem) {
  std::vector<float> memory(5 * 9, NAN);
  const MatrixView all(memory.data(), 5, 9), inner(memory.data() + 2, 5, 3, 9);
  for (int64_t r = 0; r < 5; ++r)
    for (int64_t c = 0; c < 3; ++c) inner(r, c) = static_cast<float>(10 * r + c);
  Snapshot s;
  s.tables.push_back({.name = "user",
                      .total_rows = 5,
                      .width = 2,
                      .has_bias = true,
                      .weight = inner,
                      .first_moment = {},
                      .second_moment = {},
                      .last_step = {}});
  EXPECT_EQ(first_not_finite(s), "") << "what lies between the rows does not count";
  HeldSnapshot held;
  held.hold(s);
  std::ranges::fill(memory, NAN);
  const MatrixView copy = held.snapshot().tables[0].weight;
  ASSERT_EQ(copy.rows, 5);
  ASSERT_EQ(copy.cols, 3);
  for (int64_t r = 0; r < 5; ++r)
    for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(copy(r, c), static_cast<float>(10 * r + c));
  EXPECT_EQ(held.snapshot().tables[0].first_moment.cols, 0);
  EXPECT_FALSE(held.snapshot().tables[0].last_step.has_value());
}

TEST(FirstNotFinite, NamesTheDatasetOfEachValue) {
  Example example(0, 1);
  const Snapshot s = example.snapshot();
  ASSERT_EQ(first_not_finite(s), "");
  const auto expect_named = [&](float& value, const std::string& name) {
    for (const float bad : {NAN, std::numeric_limits<float>::infinity()}) {
      const float before = value;
      value = bad;
      EXPECT_EQ(first_not_finite(s), name);
      value = before;
    }
    EXPECT_EQ(first_not_finite(s), "");
  };
  const TableView& user = s.tables[0];
  const int64_t last = user.weight.rows - 1;
  expect_named(user.weight(0, 0), "/embedding/user/weight");
  expect_named(user.weight(last, user.width - 1), "/embedding/user/weight");
  expect_named(user.weight(last, user.width), "/embedding/user/bias");
  expect_named(user.first_moment(last, 1), "/embedding/user/adam_m");
  expect_named(user.first_moment(0, user.width), "/embedding/user/bias_adam_m");
  expect_named(user.second_moment(2, 0), "/embedding/user/adam_v");
  expect_named(user.second_moment(last, user.width), "/embedding/user/bias_adam_v");
  expect_named(s.tables[1].weight(2, 1), "/embedding/item/weight");
  expect_named(s.dense[0].value.back(), "/mlp/0/weight");
  expect_named(s.dense[0].first_moment[3], "/mlp/0/weight_adam_m");
  expect_named(s.dense[0].second_moment[0], "/mlp/0/weight_adam_v");
  expect_named(s.dense[1].value[1], "/mlp/0/bn/running_mean");
}

}  // namespace
}  // namespace ncf
