// The factored first layer computes what the plain one does, forward and backward.
#include "ncf/model/factored_input.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "ncf/nn/layers.hpp"
#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t users = 9, items = 14, user_cols = 20, item_cols = 27, units = 11;

Matrix random_matrix(int64_t rows, int64_t cols, uint64_t number) {
  Matrix m(rows, cols);
  for (int64_t k = 0; k < rows * cols; ++k)
    m.data()[k] = static_cast<float>(random_normal(3, Purpose::synthetic, number, static_cast<uint64_t>(k)));
  return m;
}

std::vector<int32_t> random_slots(std::size_t count, int64_t below, uint64_t number) {
  std::vector<int32_t> out(count);
  for (std::size_t k = 0; k < count; ++k)
    out[k] =
        static_cast<int32_t>(random_below(static_cast<uint64_t>(below), 4, Purpose::synthetic, number, k));
  return out;
}

/// A batch of three granules; the second has three samples only and is not worth factoring.
class FactoredInputTest : public testing::Test {
 protected:
  static constexpr std::size_t samples = 130;
  const Matrix user_rows = random_matrix(users, user_cols, 1), item_rows = random_matrix(items, item_cols, 2);
  const Matrix weight = random_matrix(units, user_cols + item_cols, 3);
  const std::vector<int32_t> user_slots = random_slots(samples, users, 5);
  const std::vector<int32_t> item_slots = random_slots(samples, items, 6);
  const std::vector<float> bias = std::vector<float>(units, 0.5F);
  const std::vector<int64_t> bounds = {0, 60, 63, 130};
  BatchView batch;
  FactoredInput factored;

  FactoredInputTest() {
    batch.users = user_rows.view();
    batch.items = item_rows.view();
    batch.user_slots = user_slots;
    batch.item_slots = item_slots;
    batch.bounds = bounds;
    factored.plan(batch, units);
  }

  Matrix inputs(int64_t first, int64_t count) const {
    Matrix x(count, user_cols + item_cols);
    for (int64_t r = 0; r < count; ++r) {
      const auto k = static_cast<std::size_t>(first + r);
      std::copy_n(user_rows.row(user_slots[k]), user_cols, x.row(r));
      std::copy_n(item_rows.row(item_slots[k]), item_cols, x.row(r) + user_cols);
    }
    return x;
  }
};

void expect_near(ConstMatrixView found, ConstMatrixView expected, float tolerance) {
  ASSERT_EQ(found.rows, expected.rows);
  for (int64_t r = 0; r < found.rows; ++r)
    for (int64_t c = 0; c < found.cols; ++c)
      EXPECT_NEAR(found(r, c), expected(r, c), tolerance) << r << ' ' << c;
}

TEST_F(FactoredInputTest, CoversGranulesThatUseRowsOften) {
  EXPECT_TRUE(factored.covers(0));
  EXPECT_FALSE(factored.covers(1));
  EXPECT_TRUE(factored.covers(2));
  EXPECT_FALSE(factored.covers(-1));
  EXPECT_FALSE(factored.covers(3));
  factored.clear();
  EXPECT_FALSE(factored.covers(0));
}

TEST_F(FactoredInputTest, EqualsThePlainLayer) {
  for (const int64_t granule : {0, 2}) {
    const int64_t first = bounds[static_cast<std::size_t>(granule)];
    const int64_t count = bounds[static_cast<std::size_t>(granule) + 1] - first;
    const Matrix x = inputs(first, count);
    Matrix plain(count, units), y(count, units);
    linear_relu_forward(x.view(), {weight.view()}, bias, plain.view());
    factored.project(batch, granule, {weight.view()}, bias);
    // In two parts, as micro-batches come.
    factored.forward(first, y.view().rows_from(0, 7));
    factored.forward(first + 7, y.view().rows_from(7, count - 7));
    expect_near(y.view(), plain.view(), 1e-5F);

    const Matrix dy = random_matrix(count, units, 7);
    Matrix masked = dy, dx(count, user_cols + item_cols), dweight(units, user_cols + item_cols);
    std::vector<float> dbias(units, 1.0F), plain_dbias = dbias;
    Matrix plain_dweight(units, user_cols + item_cols);
    dweight.fill(2.0F);  // both add to what is there
    plain_dweight.fill(2.0F);
    relu_backward(plain.view(), masked.view());
    linear_backward(x.view(), weight.view(), masked.view(), plain_dweight.view(), plain_dbias, dx.view());
    factored.backward(first, y.view().rows_from(0, 7), dy.view().rows_from(0, 7));
    factored.backward(first + 7, y.view().rows_from(7, count - 7), dy.view().rows_from(7, count - 7));
    factored.finish(granule, weight.view(), dweight.view(), dbias);
    expect_near(dweight.view(), plain_dweight.view(), 1e-4F);
    for (std::size_t u = 0; u < dbias.size(); ++u) EXPECT_NEAR(dbias[u], plain_dbias[u], 1e-4F);

    for (std::size_t side = 0; side < 2; ++side) {
      const int64_t cols = side == 0 ? user_cols : item_cols, offset = side == 0 ? 0 : user_cols;
      Matrix expected(side == 0 ? users : items, cols), found = expected;
      expected.fill(0);
      found.fill(0);
      for (int64_t r = 0; r < count; ++r)
        for (int64_t c = 0; c < cols; ++c)
          expected.row((side == 0 ? user_slots : item_slots)[static_cast<std::size_t>(first + r)])[c] +=
              dx.row(r)[offset + c];
      RowGradients out;
      out.clear();
      factored.list(side, granule, out);
      EXPECT_EQ(out.bounds, (std::vector<int64_t>{0, std::ssize(out.slots)}));
      for (std::size_t k = 0; k < out.slots.size(); ++k)
        for (int64_t c = 0; c < cols; ++c) found.row(out.slots[k])[c] += out.rows[k][c];
      expect_near(found.view(), expected.view(), 1e-4F);
    }
  }
}

TEST_F(FactoredInputTest, EveryRowOnceInTheOrderOfItsFirstSample) {
  factored.project(batch, 2, {weight.view()}, {});
  factored.finish(2, weight.view(), Matrix(units, user_cols + item_cols).view(), {});
  RowGradients out;
  out.clear();
  factored.list(1, 2, out);
  std::vector<int32_t> expected;
  for (std::size_t k = 63; k < 130; ++k)
    if (std::ranges::find(expected, item_slots[k]) == expected.end()) expected.push_back(item_slots[k]);
  EXPECT_EQ(out.slots, expected);
}

}  // namespace
}  // namespace ncf
