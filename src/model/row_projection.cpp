#include "ncf/model/row_projection.hpp"

#include "ncf/nn/gemm.hpp"

namespace ncf {

void project_rows(const OwnedRows& rows, ForwardWeight weight, std::span<const float> bias, MatrixView out,
                  WorkerPool& pool, Precision precision) {
  pool.run(static_cast<int64_t>(rows.classes()), [&](int64_t of_class, int64_t) {
    const auto k = static_cast<std::size_t>(of_class);
    const ConstMatrixView x = rows.of_class(rows.values, k);
    const MatrixView y = out.rows_from(rows.class_bounds[k], x.rows);
    gemm(x, Op::none, weight.matrix, weight.op(), y, 0, precision);
    if (!bias.empty()) add_to_rows(bias, y);
  });
}

void project_rows_backward(const OwnedRows& rows, ConstMatrixView sums, const Granules& granules,
                           DenseParameters& parameters, std::size_t weight_segment, int64_t first_column,
                           const std::size_t* bias_segment, MatrixView row_gradients, WorkerPool& pool,
                           Precision precision) {
  const int64_t cols = rows.values.cols;
  const ConstMatrixView weight = parameters.matrix(weight_segment).cols_from(first_column, cols);
  pool.run(static_cast<int64_t>(rows.classes()), [&](int64_t of_class, int64_t) {
    const auto k = static_cast<std::size_t>(of_class);
    const ConstMatrixView x = rows.of_class(rows.values, k), s = rows.of_class(sums, k);
    const int64_t granule = granules.leaf_of_class(of_class);
    gemm(s, Op::none, weight, Op::none, row_gradients.rows_from(rows.class_bounds[k], x.rows), 0, precision);
    gemm(s, Op::transpose, x, Op::none,
         parameters.gradient_matrix(weight_segment, granule).cols_from(first_column, cols), 0, precision);
    if (bias_segment != nullptr) add_rows(s, parameters.gradient(*bias_segment, granule));
  });
}

}  // namespace ncf
