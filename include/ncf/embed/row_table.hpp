#pragma once
/// One embedding table as one rank holds it: its rows, their moments, and up to which step each row's weight
/// decay has been applied. Local row l is global row l·P + rank. The columns of a row: first those of a
/// generalized matrix factorization, then the embedding, then a bias; a model has some of them.

#include <cstdint>
#include <string>
#include <vector>

#include "ncf/embed/shard_map.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

struct TableShape {
  std::string name;   ///< "user", "item"
  int64_t rows = 0;   ///< over all ranks, the unknown row 0 included
  int64_t width = 0;  ///< embedding width
  bool has_bias = false;
  int64_t gmf_width = 0;

  /// What a message calls its rows: where a checkpoint has them, or some of their columns.
  std::string path() const { return (width > 0 ? "/embedding/" : "/gmf/") + name; }
  int64_t cols() const { return gmf_width + width + (has_bias ? 1 : 0); }
};

class RowTable {
 public:
  /// Fresh rows: N(0, 0.01²) truncated at two σ (fastai's Embedding), biases too; a pure function of (seed,
  /// number of the table, row, column).
  RowTable(TableShape shape, ShardMap shards, uint64_t seed, uint64_t table_number);

  const TableShape& shape() const { return shape_; }
  int64_t local_rows() const { return weight.rows(); }

  Matrix weight, first_moment, second_moment;  // [local rows × cols]
  std::vector<int64_t> last_step;              // [local rows]: decay is applied up to this step

 private:
  TableShape shape_;
};

}  // namespace ncf
