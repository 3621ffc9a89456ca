#include "ncf/embed/row_table.hpp"

#include "ncf/util/random.hpp"

namespace ncf {

RowTable::RowTable(TableShape shape, ShardMap shards, uint64_t seed, uint64_t table_number)
    : shape_(std::move(shape)) {
  constexpr double deviation = 0.01;
  const int64_t rows = shards.local_rows(shape_.rows), cols = shape_.cols();
  for (Matrix* m : {&weight, &first_moment, &second_moment}) m->reshape(rows, cols);
  first_moment.fill(0);
  second_moment.fill(0);
  last_step.assign(static_cast<std::size_t>(rows), 0);
  for (int64_t l = 0; l < rows; ++l)
    for (int64_t c = 0; c < cols; ++c) {
      const auto element = static_cast<uint64_t>(shards.global(l) * cols + c);
      weight.row(l)[c] = static_cast<float>(
          deviation * random_truncated_normal(seed, Purpose::embedding_init, table_number, element));
    }
}

}  // namespace ncf
