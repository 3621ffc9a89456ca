#pragma once
/// The first layer of a multilayer perceptron on [E_u, E_i], factored: [E_u, E_i]·Wᵀ = E_u·W_uᵀ + E_i·W_iᵀ.
/// The products are taken once a row of the batch instead of once a sample, by the rank that owns the row; a
/// sample then adds two rows. Backward the same: the gradients of the layer's outputs are added up by row
/// first, over all ranks, and the row's owner multiplies.
///
/// Bits must not depend on how many classes of rows (granules.hpp) the rank owns: what sums rows up, the
/// weight's gradient, stays within a class and goes to the class's granule; other products do where a row's
/// depends on those beside it (gemm.hpp). Classes are computed side by side.

#include <cstdint>
#include <span>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/parameters.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

/// Whether the first layer of a batch, `samples` over all ranks, is computed by rows when training
/// (train.first_layer). With `auto` it is when the products saved take longer than what is wider by it,
/// products and their gradients, takes to be read and written. A function of the configuration and the shapes
/// alone, rows being used at random: so it is the same on all ranks, for any number of them, and wherever the
/// run goes on. `tables`: user, item.
bool projects_rows(const ModelConfig& model, const TrainConfig& train, std::span<const TableShape> tables,
                   int64_t samples);

/// Rows of one table that their owner works on: `values` [rows × cols], class k being rows
/// [class_bounds[k], class_bounds[k + 1]).
struct OwnedRows {
  ConstMatrixView values;
  std::span<const int64_t> class_bounds;

  ConstMatrixView of_class(ConstMatrixView all, std::size_t k) const {
    return all.rows_from(class_bounds[k], class_bounds[k + 1] - class_bounds[k]);
  }
  std::size_t classes() const { return class_bounds.size() - 1; }
};

/// out [rows × units] = rows·weightᵀ + bias (may be empty). `weight` is the columns of the layer's weight
/// that belong to this table.
void project_rows(const OwnedRows& rows, ForwardWeight weight, std::span<const float> bias, MatrixView out,
                  WorkerPool& pool, Precision precision = Precision::fp32);

/// From `sums` [rows × units], the gradients of the projected rows over the whole batch: the rows' own,
/// row_gradients [rows × cols], and those of `weight_segment`, its columns from `first_column` on, a class in
/// its granule each; adds to those of `bias_segment`, if it is not null.
void project_rows_backward(const OwnedRows& rows, ConstMatrixView sums, const Granules& granules,
                           DenseParameters& parameters, std::size_t weight_segment, int64_t first_column,
                           const std::size_t* bias_segment, MatrixView row_gradients, WorkerPool& pool,
                           Precision precision = Precision::fp32);

}  // namespace ncf
