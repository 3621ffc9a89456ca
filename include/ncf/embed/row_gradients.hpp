#pragma once
/// The gradients of one table's rows as a model leaves them: a list of terms, each for one row, several for a
/// row that several samples use. Terms of a granule stand together, in an order that does not depend on the
/// number of ranks.

#include <cstdint>
#include <span>
#include <vector>

namespace ncf {

struct RowGradients {
  std::vector<int32_t> slots;      // [terms]: which of the batch's unique rows
  std::vector<const float*> rows;  // [terms]: cols values each, in the model's buffers until its next call
  std::vector<int64_t> bounds;     // [granules + 1]: terms of granule g are [bounds[g], bounds[g + 1])

  void clear() {
    slots.clear();
    rows.clear();
    bounds.assign(1, 0);
  }
  void add(int32_t slot, const float* row) {
    slots.push_back(slot);
    rows.push_back(row);
  }
  void end_granule() { bounds.push_back(static_cast<int64_t>(slots.size())); }
};

}  // namespace ncf
