#pragma once
/// fastai's EmbeddingNN: x = [E_u, E_i]; hidden layers Linear–ReLU(–BatchNorm)(–Dropout); one output unit; a
/// rating squeezed into a range; mean squared error. Computed in micro-batches that keep the activations in
/// cache, except with batch normalisation, whose statistics need the whole slice at every layer.

#include <optional>
#include <span>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/loss.hpp"
#include "ncf/nn/parameters.hpp"

namespace ncf {

class Neural {
 public:
  Neural(const ModelConfig& config, const std::vector<TableShape>& tables, int64_t micro_batch, uint64_t seed,
         DenseParameters& parameters);
  void train(const BatchView& batch, DenseParameters& parameters, RowGradients gradients, LossSum& loss,
             const GlobalSum& sum);
  void predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);

 private:
  struct Hidden {
    std::size_t weight = 0, bias = 0;  // segments; bias without batch norm only
    std::size_t bn_weight = 0, bn_bias = 0, bn_mean = 0, bn_var = 0;  // with batch norm only
    double dropout = 0;
    Matrix activation;  // [rows × out], after ReLU
    Matrix output;      // [rows × out], after batch norm and dropout, where there are any
    BatchNorm batch_norm;
  };

  void train_rows(const BatchView& batch, int64_t first, int64_t count, DenseParameters& parameters,
                  RowGradients gradients, LossSum& loss, const GlobalSum& sum);
  void gather_input(const BatchView& batch, int64_t first, int64_t count);
  void return_input_gradient(const BatchView& batch, int64_t first, int64_t count, RowGradients gradients);
  void forward(DenseParameters& parameters, bool training, uint64_t stream, int64_t first_position,
               const GlobalSum& sum);
  MatrixView input_of(std::size_t layer);
  bool transforms(const Hidden& h) const { return batch_norm_ || h.dropout > 0; }

  std::vector<Hidden> hidden_;
  std::size_t out_weight_ = 0, out_bias_ = 0;
  std::optional<OutputRange> range_;
  bool batch_norm_ = false;
  double embedding_dropout_ = 0;
  int64_t micro_batch_ = 0;
  uint64_t seed_ = 0;
  Matrix input_;                     // [rows × (user width + item width)]
  Matrix gradient_, next_gradient_;  // of the layer at hand, and of the one below
  std::vector<float> z_;             // [rows]
};

}  // namespace ncf
