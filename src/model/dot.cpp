#include "ncf/model/dot.hpp"

#include <algorithm>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void dot_forward(ConstMatrixView users, ConstMatrixView items, std::span<const int32_t> of_user,
                               std::span<const int32_t> of_item, float* __restrict z) {
  const int64_t width = users.cols - 1;
  for (std::size_t k = 0; k < of_user.size(); ++k) {
    const float* __restrict p = users.row(of_user[k]);
    const float* __restrict q = items.row(of_item[k]);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += p[i] * q[i];
    z[k] = sum + p[width] + q[width];
  }
}

/// du[to_user] += dz·(q_i, 1), di[to_item] += dz·(p_u, 1).
NCF_MULTIARCH void dot_backward(const BatchView& batch, const float* __restrict dz,
                                std::span<const int32_t> to_user, std::span<const int32_t> to_item,
                                MatrixView du, MatrixView di) {
  const int64_t width = batch.users.cols - 1;
  for (std::size_t k = 0; k < to_user.size(); ++k) {
    const float* __restrict p = batch.users.row(batch.user_slots[k]);
    const float* __restrict q = batch.items.row(batch.item_slots[k]);
    float* __restrict user = du.row(to_user[k]);
    float* __restrict item = di.row(to_item[k]);
    const float slope = dz[k];
    for (int64_t i = 0; i < width; ++i) {
      user[i] += slope * q[i];
      item[i] += slope * p[i];
    }
    user[width] += slope;
    item[width] += slope;
  }
}

}  // namespace

Dot::Dot(const ModelConfig& config) {
  if (config.y_range)
    range_ =
        OutputRange{static_cast<float>(config.y_range->at(0)), static_cast<float>(config.y_range->at(1))};
}

void Dot::forward(const BatchView& batch) {
  z_.resize(static_cast<std::size_t>(batch.samples()));
  dot_forward(batch.users, batch.items, batch.user_slots, batch.item_slots, z_.data());
}

void Dot::train(const BatchView& batch, std::span<RowSums, 2> sums, LossSum& loss) {
  forward(batch);
  loss.plain += squared_error(z_, batch.ratings, range_, batch.global_rows, loss.exact);
  dot_backward(batch, z_.data(), sums[0].terms(), sums[1].terms(), sums[0].values(), sums[1].values());
}

void Dot::predict(const BatchView& batch, std::span<float> predictions) {
  forward(batch);
  predict_in_range(z_, range_);
  std::ranges::copy(z_, predictions.begin());
}

}  // namespace ncf
