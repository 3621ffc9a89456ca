#pragma once
/// fastai's EmbeddingNN: x = [E_u, E_i]; hidden layers Linear–ReLU(–BatchNorm)(–Dropout); one output unit; a
/// rating squeezed into a range; mean squared error. And He et al.'s NeuMF: the same with a product of
/// further embeddings beside the layers (product_tower.hpp), whose unit is the other half of the output unit.
///
/// The first layer is computed by rows where that can be and is quicker (row_projection.hpp): not with
/// dropout on the embeddings, where every sample has inputs of its own. Samples are computed in micro-batches
/// that keep the activations in cache, granules side by side on several threads, small ones together on one;
/// with batch normalisation, whose statistics need the whole slice at every layer, in one pass, each layer
/// side by side.

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_sums.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/model/product_tower.hpp"
#include "ncf/model/rounds.hpp"
#include "ncf/model/row_projection.hpp"
#include "ncf/model/sample_order.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/loss.hpp"
#include "ncf/nn/parameters.hpp"
#include "ncf/nn/units_on.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class Neural {
 public:
  Neural(const ModelConfig& config, const TrainConfig& train, const std::vector<TableShape>& tables,
         uint64_t seed, DenseParameters& parameters, WorkerPool& pool);

  /// predict_alike: with the same bits whichever rank predicts a sample, among whatever others.
  enum class Use { train, predict, predict_alike };
  /// Before the calls below: what they are for. `rows`: samples of the batch over all ranks, the same number
  /// on each of them.
  void begin(Use use, int64_t rows, DenseParameters& parameters);

  /// Whether the first layer is computed by rows: then what travels are its products, after the columns of
  /// the tower, which travel themselves.
  bool projects() const { return projects_; }
  int64_t projected_cols() const { return tower_cols() + hidden_.at(0).units; }
  std::size_t projecting_weight() const { return hidden_.at(0).weight; }  // its segment
  void project(std::size_t table, const OwnedRows& rows, DenseParameters& parameters, MatrixView out);
  void project_backward(std::size_t table, const OwnedRows& rows, const Granules& granules, MatrixView sums,
                        DenseParameters& parameters, MatrixView row_gradients);

  Rounds rounds() const {
    return {.micro_batch = config_.batch_norm ? 0 : train_.micro_batch, .workers = pool_->workers()};
  }
  bool sorts_samples(int64_t rows, int64_t largest) const;  // as in Model
  /// Before train(), once all rows are there: where this processor gains by it, the samples in an order in
  /// which they are computed sooner, in memory that is valid until the next call.
  void order_samples(BatchView& batch, DenseParameters& parameters);
  void train(const BatchView& batch, DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss,
             const GlobalSum& sum);
  void predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);

 private:
  /// Where a hidden layer's parameters are, and what it does.
  struct Hidden {
    int64_t units = 0;
    std::size_t weight = 0, bias = 0;  // segments; bias without batch norm only
    std::size_t bn_weight = 0, bn_bias = 0, bn_mean = 0, bn_var = 0;  // with batch norm only
    double dropout = 0;
    Matrix transposed_weight;  // [in × out], where weight_of() uses it
  };
  /// A hidden layer's values in one pass.
  struct Activation {
    Matrix relu;    // [rows × out], after ReLU
    Matrix output;  // [rows × out], after batch norm and dropout, where there are any
    BatchNorm batch_norm;
    UnitsOn on;
    /// Units that are not on are left out: relu's first columns are what is left.
    bool leaves_out = false;
    Zeros zeros = Zeros::few;  // in what the layer above takes

    const UnitsOn* part() const { return leaves_out ? &on : nullptr; }
  };
  /// Rows [first, first + count) of a pass that belong to one granule.
  struct Chunk {
    int64_t first = 0, count = 0, granule = 0;
  };
  /// Samples that are computed together: row r is sample first + r of the slice.
  struct Pass {
    std::span<const Chunk> chunks;
    int64_t first = 0;
    int64_t rows = 0;
    int64_t first_position = 0;  // of row 0, for dropout
    uint64_t stream = 0;         // of dropout masks
    bool training = true;
    bool at_once = false;  // what does not sum rows up is done for all chunks together
  };
  /// The buffers of a pass.
  struct Workspace {
    Matrix input;  // [rows × (user width + item width)], where the first layer is not projected
    std::vector<Activation> activations;
    Matrix gradient, next_gradient;  // of the layer at hand, and of the one below
    std::vector<float> z;            // [rows]
    std::vector<uint64_t> gates;     // room of gated_backward()
    /// The part of a layer's weight that belongs to units not left out, and its gradients.
    Matrix weight, weight_gradient, bias_gradient;
  };

  // neural.cpp
  Pass pass_of(const BatchView& batch, int64_t first, std::span<const Chunk> chunks, int64_t rows) const;
  int64_t granules_at_once(std::span<const Chunk> granules) const;
  void train_together(const BatchView& batch, std::span<const Chunk> granules, int64_t at_once,
                      DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss,
                      const GlobalSum& sum);
  void predict_window(const BatchView& batch, Workspace& work, int64_t first, DenseParameters& parameters,
                      std::span<float> predictions) const;
  ForwardWeight weight_of(std::size_t layer, DenseParameters& parameters) const;
  std::span<const float> bias_of(const Hidden& h, DenseParameters& parameters) const;
  int64_t input_cols() const { return tables_[0].width + tables_[1].width; }
  /// Columns of a row as it travels that are the tower's.
  int64_t tower_cols() const {
    return !tower_ ? 0 : projects_ ? tower_room(tower_->width()) : tower_->width();
  }
  /// The columns that the layers take, of rows of a table as they travel, or of their gradients.
  template <class View>
  View of_layers(std::size_t table, View rows) const {
    return rows.cols_from(tower_cols(), projects_ ? hidden_[0].units : tables_[table].width);
  }

  // neural_pass.cpp
  void train_pass(const BatchView& batch, const Pass& pass, Workspace& work, DenseParameters& parameters,
                  std::span<RowSums, 2> sums, LossSum& loss, const GlobalSum& sum) const;
  void gather_input(const BatchView& batch, int64_t first, int64_t count, int64_t at, Matrix& input) const;
  void forward(const BatchView& batch, const Pass& pass, Workspace& work, DenseParameters& parameters,
               const GlobalSum& sum) const;
  void forward_linear(const BatchView& batch, const Pass& pass, Workspace& work, std::size_t layer,
                      const Chunk& chunk, DenseParameters& parameters) const;
  void for_chunks(const Pass& pass, const std::function<void(const Chunk&)>& job) const;
  void backward(const BatchView& batch, const Pass& pass, Workspace& work, DenseParameters& parameters,
                std::span<RowSums, 2> sums, const GlobalSum& sum) const;
  bool unit_above_relu() const;
  bool by_gates(int64_t rows) const;
  void leave_out_units(const Pass& pass, std::size_t layer, Activation& activation) const;
  MatrixView gradient_of_input(Workspace& work, std::size_t layer, Matrix& gradient) const;
  void backward_sum(const Pass& pass, Workspace& work, MatrixView dy, std::span<RowSums, 2> sums) const;
  template <class Job>
  static void with_weight(Workspace& work, const UnitsOn* units, const UnitsOn* inputs,
                          ConstMatrixView weight, MatrixView gradient, const Job& job);
  MatrixView backward_by_gates(Workspace& work, int64_t granule, DenseParameters& parameters) const;
  void backward_unit(Workspace& work, const Chunk& chunk, DenseParameters& parameters, MatrixView top,
                     MatrixView dy) const;
  void backward_linear(Workspace& work, std::size_t layer, const Chunk& chunk, DenseParameters& parameters,
                       MatrixView dy, MatrixView dx) const;
  void add_input_gradients(const Pass& pass, MatrixView dx, std::span<RowSums, 2> sums) const;
  MatrixView input_of(Workspace& work, std::size_t layer) const;
  static const UnitsOn* inputs_on(const Workspace& work, std::size_t layer);
  ForwardWeight part_of_weight(Workspace& work, std::size_t layer, DenseParameters& parameters) const;
  bool transforms(const Hidden& h) const { return config_.batch_norm || h.dropout > 0; }

  std::vector<Hidden> hidden_;
  std::size_t out_weight_ = 0, out_bias_ = 0;
  std::optional<ProductTower> tower_;  // NeuMF's
  std::optional<OutputRange> range_;
  ModelConfig config_;
  TrainConfig train_;
  Precision precision_ = Precision::fp32;
  uint64_t seed_ = 0;
  std::vector<TableShape> tables_;
  SampleOrder order_;
  bool projects_ = false, fixed_places_ = false, transposed_ = false;
  WorkerPool* pool_ = nullptr;   // the owner's, which outlives this
  std::vector<Workspace> work_;  // [workers]
};

}  // namespace ncf
