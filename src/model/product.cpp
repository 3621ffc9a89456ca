#include "ncf/model/product.hpp"

#include <algorithm>

#include "ncf/model/dense_init.hpp"
#include "ncf/util/denormals.hpp"
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

/// du[to_user.to] += dz·(q_i, 1), di[to_item.to] += dz·(p_u, 1); each sum begins with its first sample.
NCF_MULTIARCH void dot_backward(ConstMatrixView users, ConstMatrixView items,
                                std::span<const int32_t> of_user, std::span<const int32_t> of_item,
                                const float* __restrict dz, RowTerms to_user, RowTerms to_item, MatrixView du,
                                MatrixView di) {
  const int64_t width = users.cols - 1;
  for (std::size_t k = 0; k < of_user.size(); ++k) {
    const float* __restrict p = users.row(of_user[k]);
    const float* __restrict q = items.row(of_item[k]);
    float* __restrict user = du.row(to_user.to[k]);
    float* __restrict item = di.row(to_item.to[k]);
    if (to_user.first[k] != 0) std::fill_n(user, du.cols, 0.0F);
    if (to_item.first[k] != 0) std::fill_n(item, di.cols, 0.0F);
    const float slope = dz[k];
    for (int64_t i = 0; i < width; ++i) {
      user[i] += slope * q[i];
      item[i] += slope * p[i];
    }
    user[width] += slope;
    item[width] += slope;
  }
}

template <class T>
std::span<T> part(std::span<T> all, int64_t first, int64_t count) {
  return all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

}  // namespace

Product::Product(const ModelConfig& config, const std::vector<TableShape>& tables, uint64_t seed,
                 DenseParameters& parameters, WorkerPool& pool)
    : pool_(&pool) {
  if (config.y_range)
    range_ =
        OutputRange{static_cast<float>(config.y_range->at(0)), static_cast<float>(config.y_range->at(1))};
  if (config.kind != ModelKind::gmf) return;
  const int64_t width = tables.at(0).gmf_width;
  tower_.emplace(width, width, seed, parameters);
  bias_ = parameters.add("/gmf/bias", {1}, false);
  init_uniform(parameters, bias_, width, seed);
}

void Product::forward(const BatchView& batch, int64_t first, int64_t count, DenseParameters& parameters) {
  const std::span<float> z = part(std::span(z_), first, count);
  if (tower_) {
    std::ranges::fill(z, parameters.value(bias_)[0]);
    return tower_->forward(batch, first, parameters, z);
  }
  dot_forward(batch.users, batch.items, part(batch.user_slots, first, count),
              part(batch.item_slots, first, count), z.data());
}

void Product::train(const BatchView& batch, DenseParameters& parameters, std::span<RowSums, 2> sums,
                    LossSum& loss) {
  z_.resize(static_cast<std::size_t>(batch.samples()));
  std::vector<LossSum> losses(static_cast<std::size_t>(batch.granules()));
  pool_->run(batch.granules(), [&](int64_t granule, int64_t) {
    const FlushDenormals flush;
    const auto g = static_cast<std::size_t>(granule);
    for (int64_t first = batch.bounds[g]; first < batch.bounds[g + 1]; first += at_once)
      train_part(batch, granule, first, std::min(at_once, batch.bounds[g + 1] - first), parameters, sums,
                 losses[g]);
  });
  for (const LossSum& of_granule : losses) {
    loss.exact.add(of_granule.exact);
    loss.plain += of_granule.plain;
  }
}

void Product::train_part(const BatchView& batch, int64_t granule, int64_t first, int64_t count,
                         DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss) {
  batch.wait_for(first, count);
  forward(batch, first, count, parameters);
  const std::span<float> z = part(std::span(z_), first, count);
  loss.plain += squared_error(z, part(batch.ratings, first, count), range_, batch.global_rows, loss.exact);
  if (tower_) {
    for (const float dz : z) parameters.gradient(bias_, granule)[0] += dz;
    return tower_->backward(batch, first, granule, tower_->width(), parameters, z, sums);
  }
  dot_backward(batch.users, batch.items, part(batch.user_slots, first, count),
               part(batch.item_slots, first, count), z.data(), sums[0].terms(first, count),
               sums[1].terms(first, count), sums[0].values(), sums[1].values());
}

void Product::predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions) {
  z_.resize(static_cast<std::size_t>(batch.samples()));
  pool_->run((batch.samples() + at_once - 1) / at_once, [&](int64_t k, int64_t) {
    forward(batch, k * at_once, std::min(at_once, batch.samples() - k * at_once), parameters);
  });
  predict_in_range(z_, range_);
  std::ranges::copy(z_, predictions.begin());
}

}  // namespace ncf
