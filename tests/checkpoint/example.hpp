#pragma once
/// A small made-up model for the checkpoint tests. Every value is a pure function of where it stands, so what
/// comes back can be checked at any rank of any number of ranks. read_with_h5py.py knows the same function.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/checkpoint/snapshot.hpp"

namespace ncf::testing {

inline const Vocabulary example_users{std::vector<int64_t>{-5, 1, 2, 30, 31, 32, 40, 41, 42, 50, 60, 70}};
inline const Vocabulary example_items{std::vector<std::string>{"Amélie", "b c"}};

/// The value of column `col` of row `row`; `part` tells weight and moments of tables and parameters apart.
inline float example_value(int64_t part, int64_t row, int64_t col) {
  if (part == 0 && row == 0 && col == 0) return -0.0F;
  return static_cast<float>(part * 1000 + row * 10 + col) / 7.0F;
}

struct ExampleTable {
  std::string name;
  int64_t rows, width;
  bool has_bias, has_last_step;
  int64_t part;
  int64_t gmf_width = 0;

  int64_t cols() const { return gmf_width + width + (has_bias ? 1 : 0); }
};
inline const std::vector<ExampleTable> example_tables = {{"user", 13, 5, true, true, 0},
                                                         {"item", 3, 2, false, false, 3},
                                                         {"none", 0, 4, true, true, 6},
                                                         {"both", 11, 3, false, true, 20, 4},
                                                         {"tower", 9, 0, false, true, 30, 2}};

/// The example as rank `rank` of `world` holds it.
class Example {
 public:
  /// Holds the example's values, or, to be read into, values that are all wrong.
  Example(int64_t rank, int64_t world, bool filled = true) : rank_(rank), world_(world) {
    for (const auto& shape : example_tables) {
      auto& table = tables_.emplace_back();
      const int64_t rows = local_rows(shape.rows, rank, world);
      for (auto* m : {&table.weight, &table.first, &table.second}) {
        m->reshape(rows, shape.cols());
        m->fill(-99.0F);
      }
      table.last_step.assign(static_cast<std::size_t>(rows), -99);
    }
    value_.assign(6, -99.0F);
    first_ = second_ = value_;
    running_mean_.assign(3, -99.0F);
    if (filled) each([](auto& slot, auto value) { slot = value; });
  }

  std::vector<TableView> tables(bool moments = true) {
    std::vector<TableView> views;
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      const auto& shape = example_tables[t];
      TableView view{.name = shape.name,
                     .total_rows = shape.rows,
                     .width = shape.width,
                     .has_bias = shape.has_bias,
                     .gmf_width = shape.gmf_width,
                     .weight = tables_[t].weight.view(),
                     .first_moment = {},
                     .second_moment = {},
                     .last_step = {}};
      if (moments) {
        view.first_moment = tables_[t].first.view();
        view.second_moment = tables_[t].second.view();
        if (shape.has_last_step) view.last_step = tables_[t].last_step;
      }
      views.push_back(view);
    }
    return views;
  }

  std::vector<DenseView> dense(bool moments = true) {
    std::vector<DenseView> views = {{"/mlp/0/weight", {2, 3}, value_, {}, {}},
                                    {"/mlp/0/bn/running_mean", {3}, running_mean_, {}, {}}};
    if (moments) {
      views[0].first_moment = first_;
      views[0].second_moment = second_;
    }
    return views;
  }

  Snapshot snapshot(int64_t step = 1250) {
    Snapshot s;
    s.progress = {.step = step, .epoch = 4, .step_in_epoch = 17};
    s.seed = ~0ULL;
    s.config_yaml = "run:\n  seed: 42\n# " + std::string(100000, 'x');  // more than an attribute of old holds
    s.program_version = "0.1.0";
    s.extra = {{"best_mse", 0.1}, {"none_yet", std::numeric_limits<double>::infinity()}};
    s.users = &example_users;
    s.items = &example_items;
    s.tables = tables();
    s.dense = dense();
    return s;
  }

  /// Bit by bit; without moments these must be untouched.
  void expect_right(bool moments = true) {
    each([&, moments](auto& slot, auto value, bool is_moment = false) {
      using T = std::remove_reference_t<decltype(slot)>;
      const T expected = !is_moment || moments ? static_cast<T>(value) : T(-99);
      if constexpr (std::is_same_v<T, float>)
        EXPECT_EQ(std::bit_cast<uint32_t>(slot), std::bit_cast<uint32_t>(expected));
      else
        EXPECT_EQ(slot, expected);
    });
  }

 private:
  struct Table {
    Matrix weight, first, second;
    std::vector<int64_t> last_step;
  };

  template <class F>
  static void call(F& action, auto& slot, auto value, bool is_moment) {
    if constexpr (std::is_invocable_v<F&, decltype(slot), decltype(value), bool>)
      action(slot, value, is_moment);
    else
      action(slot, value);
  }

  /// Calls `action(slot, value[, is_moment])` for every value this rank holds.
  template <class F>
  void each(F action) {
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      Table& table = tables_[t];
      const auto& shape = example_tables[t];
      int64_t part = shape.part;
      for (auto* m : {&table.weight, &table.first, &table.second}) {
        for (int64_t l = 0; l < m->rows(); ++l)
          for (int64_t c = 0; c < m->cols(); ++c)
            call(action, m->row(l)[c], example_value(part, l * world_ + rank_, c), m != &table.weight);
        ++part;
      }
      if (shape.has_last_step)
        for (int64_t l = 0; l < std::ssize(table.last_step); ++l)
          call(action, table.last_step[static_cast<std::size_t>(l)], 1000 + l * world_ + rank_, true);
    }
    for (int64_t i = 0; i < 6; ++i) {
      const auto at = static_cast<std::size_t>(i);
      call(action, value_[at], example_value(20, 0, i), false);
      call(action, first_[at], example_value(21, 0, i), true);
      call(action, second_[at], example_value(22, 0, i), true);
    }
    for (int64_t i = 0; i < 3; ++i)
      call(action, running_mean_[static_cast<std::size_t>(i)], example_value(23, 0, i), false);
  }

  int64_t rank_, world_;
  std::vector<Table> tables_;
  std::vector<float> value_, first_, second_, running_mean_;
};

}  // namespace ncf::testing
