#pragma once
/// fastai's EmbeddingNN: x = [E_u, E_i]; hidden layers Linear–ReLU(–BatchNorm)(–Dropout); one output unit; a
/// rating squeezed into a range; mean squared error. Computed in micro-batches that keep the activations in
/// cache (the first layer where it pays by unique rows, factored_input.hpp), except with batch normalisation,
/// whose statistics need the whole slice at every layer.

#include <optional>
#include <span>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/model/factored_input.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/loss.hpp"
#include "ncf/nn/parameters.hpp"

namespace ncf {

class Neural {
 public:
  Neural(const ModelConfig& config, const std::vector<TableShape>& tables, int64_t micro_batch, uint64_t seed,
         DenseParameters& parameters);
  void train(const BatchView& batch, DenseParameters& parameters, std::span<RowGradients, 2> gradients,
             LossSum& loss, const GlobalSum& sum);
  void predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);

 private:
  struct Hidden {
    std::size_t weight = 0, bias = 0;  // segments; bias without batch norm only
    std::size_t bn_weight = 0, bn_bias = 0, bn_mean = 0, bn_var = 0;  // with batch norm only
    double dropout = 0;
    Matrix transposed_weight;  // [in × out], where weight_of() uses it
    Matrix activation;         // [rows × out], after ReLU
    Matrix output;             // [rows × out], after batch norm and dropout, where there are any
    BatchNorm batch_norm;
  };

  /// Rows [first, first + count) of the buffers below that belong to one granule, or to none (predicting).
  struct Chunk {
    int64_t first = 0, count = 0, granule = 0;
  };
  /// Chunks that are computed together: row r of the buffers is sample first + r of the slice.
  struct Pass {
    std::span<const Chunk> chunks;
    int64_t first = 0;
    int64_t first_position = 0;  // of row 0, for dropout
    uint64_t stream = 0;         // of dropout masks
    bool training = true;

    int64_t rows() const { return chunks.empty() ? 0 : chunks.back().first + chunks.back().count; }
  };

  Pass pass_of(const BatchView& batch, int64_t first, std::span<const Chunk> chunks) const;
  void train_pass(const BatchView& batch, const Pass& pass, DenseParameters& parameters, LossSum& loss,
                  const GlobalSum& sum);
  void predict_in_windows(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);
  void gather_input(const BatchView& batch, int64_t first, int64_t count, int64_t at);
  void forward(const Pass& pass, DenseParameters& parameters, const GlobalSum& sum);
  void forward_first(const Pass& pass, const Chunk& chunk, DenseParameters& parameters);
  void backward(const Pass& pass, DenseParameters& parameters, const GlobalSum& sum);
  void backward_linear(const Pass& pass, std::size_t layer, const Chunk& chunk, DenseParameters& parameters,
                       MatrixView dy, MatrixView dx);
  void project(const BatchView& batch, int64_t granule, DenseParameters& parameters);
  void finish(int64_t granule, DenseParameters& parameters);
  MatrixView input_of(std::size_t layer);
  void transpose_weights(int64_t rows, DenseParameters& parameters);
  ForwardWeight weight_of(std::size_t layer, DenseParameters& parameters) const;
  std::span<const float> bias_of(const Hidden& h, DenseParameters& parameters) const;
  bool transforms(const Hidden& h) const { return batch_norm_ || h.dropout > 0; }

  std::vector<Hidden> hidden_;
  std::size_t out_weight_ = 0, out_bias_ = 0;
  std::optional<OutputRange> range_;
  bool batch_norm_ = false;
  double embedding_dropout_ = 0;
  int64_t micro_batch_ = 0;
  uint64_t seed_ = 0;
  FactoredInput factored_;
  bool transposed_ = false;
  Matrix input_;                     // [rows × (user width + item width)], where it is not factored
  Matrix sample_gradients_;          // [samples × (user width + item width)], likewise
  Matrix gradient_, next_gradient_;  // of the layer at hand, and of the one below
  std::vector<Chunk> chunks_;
  std::vector<int64_t> bounds_;  // of the chunks
  std::vector<float> z_;         // [rows]
};

}  // namespace ncf
