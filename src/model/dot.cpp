#include "ncf/model/dot.hpp"

#include <algorithm>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH float dot_row(int64_t n, const float* __restrict a, const float* __restrict b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

NCF_MULTIARCH void scaled(int64_t n, float scale, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] = scale * from[i];
}

}  // namespace

Dot::Dot(const ModelConfig& config) {
  if (config.y_range)
    range_ =
        OutputRange{static_cast<float>(config.y_range->at(0)), static_cast<float>(config.y_range->at(1))};
}

void Dot::forward(const BatchView& batch) {
  const int64_t width = batch.users.cols - 1;
  z_.resize(static_cast<std::size_t>(batch.samples()));
  for (std::size_t k = 0; k < z_.size(); ++k) {
    const float* user = batch.users.row(batch.user_slots[k]);
    const float* item = batch.items.row(batch.item_slots[k]);
    z_[k] = dot_row(width, user, item) + user[width] + item[width];
  }
}

void Dot::train(const BatchView& batch, std::span<RowGradients, 2> gradients, LossSum& loss) {
  forward(batch);
  loss.plain += squared_error(z_, batch.ratings, range_, batch.global_rows, loss.exact);
  const int64_t cols = batch.users.cols;
  gradients_.reshape(batch.samples(), 2 * cols);
  for (std::size_t k = 0; k < z_.size(); ++k) {
    float* du = gradients_.row(static_cast<int64_t>(k));
    float* di = du + cols;
    scaled(cols - 1, z_[k], batch.items.row(batch.item_slots[k]), du);
    scaled(cols - 1, z_[k], batch.users.row(batch.user_slots[k]), di);
    du[cols - 1] = di[cols - 1] = z_[k];
  }
  for (std::size_t t = 0; t < 2; ++t) {
    gradients[t].clear();
    for (int64_t g = 0; g < batch.granules(); ++g)
      list_samples(batch, t, g, gradients_.view().cols_from(static_cast<int64_t>(t) * cols, cols),
                   gradients[t]);
  }
}

void Dot::predict(const BatchView& batch, std::span<float> predictions) {
  forward(batch);
  predict_in_range(z_, range_);
  std::ranges::copy(z_, predictions.begin());
}

}  // namespace ncf
