#pragma once
/// Who owns a row: row i lives at rank i mod P, as its local row i / P. The only place that knows.

#include <cstdint>

namespace ncf {

struct ShardMap {
  int64_t rank = 0;
  int64_t world = 1;

  int64_t owner(int64_t row) const { return row % world; }
  int64_t local(int64_t row) const { return row / world; }
  int64_t global(int64_t local_row) const { return local_row * world + rank; }
  /// Rows this rank holds of a table of `total` rows.
  int64_t local_rows(int64_t total) const { return total > rank ? (total - rank - 1) / world + 1 : 0; }
};

}  // namespace ncf
