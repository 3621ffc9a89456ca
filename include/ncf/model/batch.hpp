#pragma once
/// What a model gets for one step on one rank, and what it gives back.

#include <cstdint>
#include <span>

#include "ncf/embed/row_gradients.hpp"
#include "ncf/util/exact_sum.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

/// This rank's slice of a global batch. Rows are the unique rows of the slice; slots say which of them a
/// sample uses.
struct BatchView {
  ConstMatrixView users, items;                     // [unique × cols of the table]
  std::span<const int32_t> user_slots, item_slots;  // [samples]
  std::span<const float> ratings;                   // [samples]; empty when only predicting
  std::span<const int64_t> bounds;  // [granules + 1]: granule g is samples [bounds[g], bounds[g + 1])
  int64_t global_rows = 0;          // samples of the step over all ranks
  int64_t first_position = 0;       // of the slice's first sample: in the epoch, or among all validation rows
  int64_t epoch = 0;
  bool fixed_places = false;  // predictions may not depend on how samples are dealt to ranks

  int64_t granules() const { return static_cast<int64_t>(bounds.size()) - 1; }
  int64_t samples() const { return static_cast<int64_t>(user_slots.size()); }
};

/// Lists the gradients of a table's rows (0 user, 1 item) a term a sample, for one granule. gradients
/// [samples × cols].
inline void list_samples(const BatchView& batch, std::size_t table, int64_t granule,
                         ConstMatrixView gradients, RowGradients& out) {
  const auto slots = table == 0 ? batch.user_slots : batch.item_slots;
  const auto g = static_cast<std::size_t>(granule);
  for (int64_t k = batch.bounds[g]; k < batch.bounds[g + 1]; ++k)
    out.add(slots[static_cast<std::size_t>(k)], gradients.row(k));
  out.end_granule();
}

/// Squared errors of a slice: exactly, and plainly (not finite when a prediction is not).
struct LossSum {
  ExactSum exact;
  double plain = 0;
};

}  // namespace ncf
