// The first layer by rows computes what the plain one does on samples, forward and backward.
#include "ncf/model/row_projection.hpp"
#include "ncf/nn/sum_relu.hpp"
#include "ncf/nn/unit.hpp"

#include <gtest/gtest.h>

#include <array>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t samples = 130, units = 11;
constexpr std::array<int64_t, 2> rows = {9, 14}, cols = {20, 27}, first_column = {0, 20};

Matrix random_matrix(int64_t m, int64_t n, uint64_t number) {
  Matrix out(m, n);
  for (int64_t k = 0; k < m * n; ++k)
    out.data()[k] =
        static_cast<float>(random_normal(3, Purpose::synthetic, number, static_cast<uint64_t>(k)));
  return out;
}

void expect_near(ConstMatrixView found, ConstMatrixView expected, float tolerance) {
  ASSERT_EQ(found.rows, expected.rows);
  for (int64_t r = 0; r < found.rows; ++r)
    for (int64_t c = 0; c < found.cols; ++c)
      EXPECT_NEAR(found(r, c), expected(r, c), tolerance) << r << ' ' << c;
}

TEST(ProjectsRows, WhereRowsAreUsedOftenOrProductsAreNarrow) {
  struct Work {
    TableShape user, item;
    int64_t units, batch;
    bool by_rows;
  };
  const Work works[] = {
      // MovieLens-100K: few rows, used often; a small batch stays in the cache either way.
      {{"user", 944, 74}, {"item", 1635, 101}, 100, 8192, true},
      {{"user", 944, 74}, {"item", 1635, 101}, 100, 1024, true},
      {{"user", 944, 74}, {"item", 1635, 101}, 100, 64, true},
      // MovieLens-20M: hardly a row is used twice, and its product is four times as wide as it is.
      {{"user", 138'494, 64}, {"item", 26'745, 64}, 256, 8192, false},
      // Most rows are used twice, which is not enough yet; with narrower products it is.
      {{"user", 138'494, 64}, {"item", 26'745, 64}, 256, 65'536, false},
      {{"user", 138'494, 64}, {"item", 26'745, 64}, 100, 65'536, true},
      {{"user", 138'494, 128}, {"item", 26'745, 128}, 256, 65'536, true},
      // With widths by rule of thumb the product is narrower than the row.
      {{"user", 138'494, 600}, {"item", 26'745, 482}, 100, 8192, true},
  };
  TrainConfig train;
  ModelConfig model;
  const auto by_rows = [&](const Work& w) {
    model.hidden = {w.units, 50};
    return projects_rows(model, train, std::array{w.user, w.item}, w.batch);
  };
  for (const Work& w : works)
    EXPECT_EQ(by_rows(w), w.by_rows) << w.user.rows << " users, batch " << w.batch << ", " << w.units;
  train.first_layer = FirstLayer::rows;
  for (const Work& w : works) EXPECT_TRUE(by_rows(w));
  model.embedding_dropout = 0.1;
  for (const Work& w : works) EXPECT_FALSE(by_rows(w)) << "every sample has inputs of its own";
  model.embedding_dropout = 0;
  train.first_layer = FirstLayer::samples;
  for (const Work& w : works) EXPECT_FALSE(by_rows(w));
}

TEST(ProjectsRows, MoreOftenForSlowerProducts) {
  const std::array tables = {TableShape{"user", 138'494, 64}, TableShape{"item", 26'745, 64}};
  TrainConfig fp32, bf16;
  bf16.precision = PrecisionKind::bf16;
  ModelConfig plain, normalised;
  plain.hidden = normalised.hidden = {256, 128};
  normalised.batch_norm = true;
  // Between the two precisions' limits: float32 products are worth saving, bfloat16 ones are not.
  EXPECT_TRUE(projects_rows(plain, fp32, tables, 100'000));
  EXPECT_FALSE(projects_rows(plain, bf16, tables, 100'000));
  // Batch normalisation leaves no units out.
  EXPECT_TRUE(projects_rows(normalised, fp32, tables, 32'000));
  EXPECT_FALSE(projects_rows(plain, fp32, tables, 32'000));
  EXPECT_FALSE(projects_rows(normalised, bf16, tables, 32'000));
  EXPECT_TRUE(projects_rows(normalised, bf16, tables, 100'000));
}

class RowProjection : public testing::TestWithParam<bool> {
 protected:
  RowProjection() {
    weight = parameters.add("/w", {units, cols[0] + cols[1]}, true);
    bias = parameters.add("/b", {units}, false);
    parameters.set_granules(2);
    const Matrix w = random_matrix(units, cols[0] + cols[1], 3), b = random_matrix(1, units, 4);
    std::ranges::copy(w.values(), parameters.value(weight).begin());
    std::ranges::copy(b.values(), parameters.value(bias).begin());
    for (std::size_t t = 0; t < 2; ++t) {
      values[t] = random_matrix(rows[t], cols[t], t);
      slots[t].resize(samples);
      for (std::size_t k = 0; k < samples; ++k)
        slots[t][k] =
            static_cast<int32_t>(random_below(static_cast<uint64_t>(rows[t]), 4, Purpose::synthetic, t, k));
    }
  }
  OwnedRows owned(std::size_t t) const { return {values[t].view(), bounds[t]}; }
  ForwardWeight part(std::size_t t) {
    if (!GetParam()) return ForwardWeight{parameters.matrix(weight)}.inputs(first_column[t], cols[t]);
    transpose(parameters.matrix(weight), transposed);
    return ForwardWeight{transposed.view(), true}.inputs(first_column[t], cols[t]);
  }
  Matrix inputs() const {
    Matrix x(samples, cols[0] + cols[1]);
    for (int64_t r = 0; r < samples; ++r)
      for (std::size_t t = 0; t < 2; ++t)
        std::copy_n(values[t].row(slots[t][static_cast<std::size_t>(r)]), cols[t],
                    x.row(r) + first_column[t]);
    return x;
  }

  WorkerPool pool{2};
  DenseParameters parameters;
  std::size_t weight = 0, bias = 0;
  Matrix values[2], transposed;
  std::vector<int32_t> slots[2];
  std::vector<int64_t> bounds[2] = {{0, 4, 9}, {0, 0, 14}};  // a class may be empty
};

TEST_P(RowProjection, EqualsThePlainLayer) {
  const Matrix x = inputs();
  Matrix plain(samples, units), y(samples, units), projected[2];
  linear_forward(x.view(), {parameters.matrix(weight)}, plain.view());
  add_bias_relu(parameters.value(bias), plain.view());
  for (std::size_t t = 0; t < 2; ++t) {
    projected[t].reshape(rows[t], units);
    project_rows(owned(t), part(t), t == 0 ? parameters.value(bias) : std::span<const float>(),
                 projected[t].view(), pool);
  }
  sum_relu_forward(projected[0].view(), projected[1].view(), slots[0], slots[1], y.view());
  expect_near(y.view(), plain.view(), 2e-5F);

  const Matrix dy = random_matrix(samples, units, 7);
  Matrix masked = dy, dx(samples, x.cols()), dweight(units, x.cols());
  std::vector<float> dbias(units, 1.0F);
  dweight.fill(0);
  relu_backward(plain.view(), masked.view(), dbias);
  linear_backward(x.view(), parameters.matrix(weight), masked.view(), dweight.view(), dx.view());

  Matrix sums[2] = {Matrix(rows[0], units), Matrix(rows[1], units)};
  for (Matrix& s : sums) s.fill(0);
  const std::vector<uint8_t> none_is_first(samples, 0);
  sum_relu_backward(y.view(), dy.view(), {slots[0], none_is_first}, {slots[1], none_is_first}, sums[0].view(),
                    sums[1].view());
  for (int64_t granule : {0, 1}) std::ranges::fill(parameters.gradient(weight, granule), 2.0F);  // replaced
  std::ranges::fill(parameters.gradient(bias, 0), 1.0F);                                         // added to
  for (std::size_t t = 0; t < 2; ++t) {
    Matrix gradients(rows[t], cols[t]), expected(rows[t], cols[t]);
    project_rows_backward(owned(t), sums[t].view(), Granules::fixed(2, 1), parameters, weight,
                          first_column[t], t == 0 ? &bias : nullptr, gradients.view(), pool);
    expected.fill(0);
    scatter_add(dx.view().cols_from(first_column[t], cols[t]), {slots[t], none_is_first}, expected.view());
    for (int64_t r = 0; r < rows[t]; ++r)  // a row that no sample uses has no gradient
      expect_near(gradients.view().rows_from(r, 1), expected.view().rows_from(r, 1), 1e-4F);
  }
  for (std::size_t i = 0; i < dweight.values().size(); ++i)
    EXPECT_NEAR(parameters.gradient(weight, 0)[i] + parameters.gradient(weight, 1)[i], dweight.values()[i],
                2e-4F);
  for (std::size_t i = 0; i < dbias.size(); ++i)
    EXPECT_NEAR(parameters.gradient(bias, 0)[i] + parameters.gradient(bias, 1)[i], dbias[i], 1e-4F);
}

INSTANTIATE_TEST_SUITE_P(Weights, RowProjection, testing::Bool(),
                         [](const auto& p) { return p.param ? "transposed" : "as_kept"; });

}  // namespace
}  // namespace ncf
