#pragma once
/// Models that are a product of a user's and an item's row and nothing else. fastai's EmbeddingDotBias:
/// y = sigmoid_range(⟨p_u, q_i⟩ + b_u + b_i), the bias being the last column of a row; and the generalized
/// matrix factorization of He et al. 2017: y = sigmoid_range(⟨w, p_u ⊙ q_i⟩ + b), /gmf/weight and /gmf/bias.

#include <optional>
#include <span>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_sums.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/model/product_tower.hpp"
#include "ncf/model/rounds.hpp"
#include "ncf/nn/loss.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class Product {
 public:
  /// Adds the parameters of `gmf` to the arena. Computes with the threads of `pool`, which must outlive it.
  Product(const ModelConfig& config, const std::vector<TableShape>& tables, uint64_t seed,
          DenseParameters& parameters, WorkerPool& pool);
  Rounds rounds() const { return {.micro_batch = at_once, .workers = pool_->workers()}; }
  void train(const BatchView& batch, DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss);
  void predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);

 private:
  static constexpr int64_t at_once = 1024;  // samples

  void train_part(const BatchView& batch, int64_t granule, int64_t first, int64_t count,
                  DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss);
  void forward(const BatchView& batch, int64_t first, int64_t count, DenseParameters& parameters);

  std::optional<ProductTower> tower_;  // of `gmf`, whose rows have nothing else; none: `dot`
  std::size_t bias_ = 0;               // of `gmf`: its segment
  std::optional<OutputRange> range_;
  std::vector<float> z_;  // [samples]
  WorkerPool* pool_;
};

}  // namespace ncf
