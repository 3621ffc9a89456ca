#pragma once
/// The models, behind one type. A model owns no parameters: dense ones live in the arena, rows in the tables.
///
/// A step calls, in this order: owner_forward (for the rows this rank owns, of each table), train (for its
/// samples), owner_backward (for the rows it owns again). Between them the rows travel.

#include <array>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_sums.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/model/neural.hpp"
#include "ncf/model/product.hpp"
#include "ncf/model/rounds.hpp"
#include "ncf/model/row_projection.hpp"
#include "ncf/nn/parameters.hpp"

namespace ncf {

/// fastai's rule of thumb: min(600, round(1.6·n^0.56)), half to even; n counts row 0.
int64_t rule_of_thumb_width(int64_t rows);

/// The tables of a model: user, then item. Rows count the unknown row 0.
std::vector<TableShape> table_shapes(const ModelConfig& config, int64_t user_rows, int64_t item_rows);

class Model {
 public:
  /// Adds its dense parameters to the arena, initialised as a pure function of the seed. Computes with the
  /// threads of `pool`, which must outlive it.
  Model(const ModelConfig& config, const TrainConfig& train, const std::vector<TableShape>& tables,
        uint64_t seed, DenseParameters& parameters, WorkerPool& pool);

  using Use = Neural::Use;
  /// Before the calls below, once the dense parameters are what they will be in them: what they are for.
  /// `rows`: samples of the batch over all ranks, the same number on each of them.
  void begin(Use use, int64_t rows, DenseParameters& parameters);

  /// Values that travel for a row of each table.
  std::array<int64_t, 2> travelling_cols() const;

  /// Whether what travels is a layer's products with the rows, not the rows themselves.
  bool projects() const;

  /// What the owner of rows of `table` sends to those who use them: out [rows × travelling_cols()]. Rows that
  /// travel themselves may be there already.
  void owner_forward(std::size_t table, const OwnedRows& rows, DenseParameters& parameters, MatrixView out);

  /// Before train(): zeros for all gradients that train() and owner_backward() add to.
  void clear_gradients(DenseParameters& parameters) const;

  /// In which order train() computes samples.
  Rounds rounds() const;

  /// Whether order_samples() may change the order of batches of so many samples over all ranks, with the
  /// largest granule of so many: a function of these and the configuration, alike on all ranks.
  bool sorts_samples(int64_t rows, int64_t largest) const;
  /// Before train() of such a batch, once all rows are there: where this processor gains by it, each
  /// granule's samples in an order in which they are computed sooner, in memory of the model that is valid
  /// until the next call.
  void order_samples(BatchView& batch, DenseParameters& parameters);

  /// One slice forward and backward: adds to the gradients of parameters, granule by granule, and to the
  /// loss; adds the gradients of what travelled for the samples' rows to `sums`, which have begun. Every rank
  /// calls it, also with no sample; `sum` is called only for batch normalisation. Collective through `sum`.
  void train(const BatchView& batch, DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss,
             const GlobalSum& sum);

  /// What owner_forward does, reversed: from `sums` [rows × travelling_cols()] over the whole batch the rows'
  /// own gradients [rows × cols], in `room` or, of rows that travelled themselves, the sums. Sets
  /// the gradients of the weight that projected them, its columns of this table.
  MatrixView owner_backward(std::size_t table, const OwnedRows& rows, const Granules& granules,
                            MatrixView sums, DenseParameters& parameters, Matrix& room);

  /// predictions[k] for each sample, in evaluation mode. Not collective.
  void predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);

 private:
  std::variant<Neural, Product> model_;
  std::array<int64_t, 2> cols_{};  // of the tables
};

}  // namespace ncf
