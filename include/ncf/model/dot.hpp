#pragma once
/// fastai's EmbeddingDotBias: y = sigmoid_range(⟨p_u, q_i⟩ + b_u + b_i). The bias is the last column of a
/// row.

#include <optional>
#include <span>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_sums.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/model/rounds.hpp"
#include "ncf/nn/loss.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class Dot {
 public:
  /// Computes with the threads of `pool`, which must outlive it.
  Dot(const ModelConfig& config, WorkerPool& pool);
  Rounds rounds() const { return {.micro_batch = at_once, .workers = pool_->workers()}; }
  void train(const BatchView& batch, std::span<RowSums, 2> sums, LossSum& loss);
  void predict(const BatchView& batch, std::span<float> predictions);

 private:
  static constexpr int64_t at_once = 1024;  // samples

  void train_part(const BatchView& batch, int64_t first, int64_t count, std::span<RowSums, 2> sums,
                  LossSum& loss);
  void forward(const BatchView& batch, int64_t first, int64_t count);

  std::optional<OutputRange> range_;
  std::vector<float> z_;  // [samples]
  WorkerPool* pool_;
};

}  // namespace ncf
