#pragma once
/// The models, behind one type. A model owns no parameters: dense ones live in the arena, rows in the tables.

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/model/dot.hpp"
#include "ncf/model/neural.hpp"
#include "ncf/nn/parameters.hpp"

namespace ncf {

/// fastai's rule of thumb: min(600, round(1.6·n^0.56)), half to even; n counts row 0.
int64_t rule_of_thumb_width(int64_t rows);

/// The tables of a model: user, then item. Rows count the unknown row 0.
std::vector<TableShape> table_shapes(const ModelConfig& config, int64_t user_rows, int64_t item_rows);

class Model {
 public:
  /// Adds its dense parameters to the arena, initialised as a pure function of the seed.
  Model(const ModelConfig& config, const std::vector<TableShape>& tables, int64_t micro_batch, uint64_t seed,
        DenseParameters& parameters);

  /// One slice forward and backward: adds to the gradients of parameters, granule by granule, and to the
  /// loss; lists the gradients of the rows of both tables. Every rank calls it, also with no sample; `sum` is
  /// called only for batch normalisation. Collective through `sum`.
  void train(const BatchView& batch, DenseParameters& parameters, std::span<RowGradients, 2> gradients,
             LossSum& loss, const GlobalSum& sum);

  /// predictions[k] for each sample, in evaluation mode. Not collective.
  void predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions);

 private:
  std::variant<Neural, Dot> model_;
};

}  // namespace ncf
