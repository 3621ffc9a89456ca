#include "ncf/embed/row_table.hpp"

#include <algorithm>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

/// A row's values come from the words of its own blocks: with n blocks a row, column w * n + j is word w of
/// block j. Rows are filled as many at a time as keep the vector registers busy and stay in the first cache.
void fill_fresh(Matrix& weight, ShardMap shards, uint64_t seed, uint64_t table_number) {
  constexpr float deviation = 0.01F;
  constexpr int64_t blocks_at_once = 512;
  const int64_t cols = weight.cols(), a_row = (cols + 3) / 4;
  const int64_t rows_at_once = std::max<int64_t>(1, blocks_at_once / std::max<int64_t>(1, a_row));
  std::vector<uint64_t> blocks;
  std::vector<float> normals;
  for (int64_t first = 0; first < weight.rows(); first += rows_at_once) {
    const int64_t rows = std::min(rows_at_once, weight.rows() - first), n = rows * a_row;
    blocks.clear();
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < a_row; ++j)
        blocks.push_back(static_cast<uint64_t>(shards.global(first + r) * a_row + j));
    normals.resize(static_cast<std::size_t>(4 * n));
    random_truncated_normals(seed, Purpose::embedding_init, table_number, blocks, normals);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t w = 0; w < 4 && w * a_row < cols; ++w) {
        const float* from = normals.data() + w * n + r * a_row;
        std::transform(from, from + std::min(a_row, cols - w * a_row), weight.row(first + r) + w * a_row,
                       [](float normal) { return deviation * normal; });
      }
  }
}

}  // namespace

RowTable::RowTable(TableShape shape, ShardMap shards, uint64_t seed, uint64_t table_number)
    : shape_(std::move(shape)) {
  const int64_t rows = shards.local_rows(shape_.rows), cols = shape_.cols();
  for (Matrix* m : {&weight, &first_moment, &second_moment}) m->reshape(rows, cols);  // fresh memory is zero
  last_step.assign(static_cast<std::size_t>(rows), 0);
  fill_fresh(weight, shards, seed, table_number);
}

}  // namespace ncf
