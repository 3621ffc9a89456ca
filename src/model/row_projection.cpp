#include "ncf/model/row_projection.hpp"

#include <algorithm>
#include <cmath>

#include "ncf/nn/gemm.hpp"

namespace ncf {
namespace {

/// Whether products are made of all rows at once, shared out to threads, and not class by class.
bool across_classes(const OwnedRows& rows, Op op_weight, const WorkerPool& pool) {
  return static_cast<int64_t>(rows.classes()) > pool.workers() && rows_are_independent(op_weight);
}

}  // namespace

bool projects_rows(const ModelConfig& model, const TrainConfig& train, std::span<const TableShape> tables,
                   int64_t samples) {
  // With dropout on the embeddings every sample has inputs of its own.
  if (model.hidden.empty() || model.embedding_dropout > 0) return false;
  if (train.first_layer != FirstLayer::automatic) return train.first_layer == FirstLayer::rows;
  // What is read and written in a core's cache costs next to nothing; past it, a byte as much as so many
  // operations of products with the samples. Of these more are done in a second where units can be left out
  // of them (docs/decisions/factored-first-layer.md).
  constexpr double cache_bytes = 1 << 20;
  const bool bf16 = train.precision == PrecisionKind::bf16;
  const bool leaves_out = model.hidden.size() > 1 && model.plain_layers();
  const double flops_a_byte = leaves_out ? (bf16 ? 50 : 18) : (bf16 ? 16 : 8);
  const auto batch = static_cast<double>(samples), width = static_cast<double>(model.hidden[0]);
  double flops = 0, bytes = 0;
  for (const TableShape& t : tables) {
    const auto rows = static_cast<double>(t.rows), cols = static_cast<double>(t.width);
    const double used = rows * -std::expm1(-batch / rows);  // of samples that fall on rows at random
    flops += 6 * width * cols * (batch - used);             // forward, gradients of rows and of the weight
    // A product is written once and read by every sample, its gradient added to by every sample and read
    // once; against a row, which a sample reads, and whose gradient it reads and writes.
    bytes += sizeof(float) * (width * (2 * used + 2 * batch) - cols * 3 * batch);
  }
  return flops >= flops_a_byte * std::max(0.0, bytes - cache_bytes);
}

void project_rows(const OwnedRows& rows, ForwardWeight weight, std::span<const float> bias, MatrixView out,
                  WorkerPool& pool, Precision precision) {
  const auto project = [&](int64_t first, int64_t end) {
    const MatrixView y = out.rows_from(first, end - first);
    gemm(rows.values.rows_from(first, end - first), Op::none, weight.matrix, weight.op(), y, 0, precision);
    if (!bias.empty()) add_to_rows(bias, y);
  };
  if (across_classes(rows, weight.op(), pool)) return pool.share_out(rows.values.rows, project);
  pool.run(static_cast<int64_t>(rows.classes()), [&](int64_t of_class, int64_t) {
    const auto k = static_cast<std::size_t>(of_class);
    project(rows.class_bounds[k], rows.class_bounds[k + 1]);
  });
}

void project_rows_backward(const OwnedRows& rows, ConstMatrixView sums, const Granules& granules,
                           DenseParameters& parameters, std::size_t weight_segment, int64_t first_column,
                           const std::size_t* bias_segment, MatrixView row_gradients, WorkerPool& pool,
                           Precision precision) {
  const int64_t cols = rows.values.cols;
  const ConstMatrixView weight = parameters.matrix(weight_segment).cols_from(first_column, cols);
  // A sum has a zero only where the unit was off for all its samples. Products of floats look how many there
  // are.
  const Zeros zeros = precision == Precision::fp32 ? Zeros::many : Zeros::few;
  const auto gradients_of_rows = [&](int64_t first, int64_t end) {
    gemm(sums.rows_from(first, end - first), Op::none, weight, Op::none,
         row_gradients.rows_from(first, end - first), 0, precision, zeros);
  };
  const bool at_once = across_classes(rows, Op::none, pool);
  if (at_once) pool.share_out(rows.values.rows, gradients_of_rows);
  pool.run(static_cast<int64_t>(rows.classes()), [&](int64_t of_class, int64_t) {
    const auto k = static_cast<std::size_t>(of_class);
    const ConstMatrixView x = rows.of_class(rows.values, k), s = rows.of_class(sums, k);
    const int64_t granule = granules.leaf_of_class(of_class);
    if (!at_once) gradients_of_rows(rows.class_bounds[k], rows.class_bounds[k + 1]);
    gemm(s, Op::transpose, x, Op::none,
         parameters.gradient_matrix(weight_segment, granule).cols_from(first_column, cols), 0, precision,
         zeros);
    if (bias_segment != nullptr) add_rows(s, parameters.gradient(*bias_segment, granule));
  });
}

}  // namespace ncf
