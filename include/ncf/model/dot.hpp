#pragma once
/// fastai's EmbeddingDotBias: y = sigmoid_range(⟨p_u, q_i⟩ + b_u + b_i). The bias is the last column of a
/// row.

#include <optional>
#include <span>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_sums.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/nn/loss.hpp"

namespace ncf {

class Dot {
 public:
  explicit Dot(const ModelConfig& config);
  void train(const BatchView& batch, std::span<RowSums, 2> sums, LossSum& loss);
  void predict(const BatchView& batch, std::span<float> predictions);

 private:
  void forward(const BatchView& batch);

  std::optional<OutputRange> range_;
  std::vector<float> z_;  // [samples]
};

}  // namespace ncf
