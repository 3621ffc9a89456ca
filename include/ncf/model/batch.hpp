#pragma once
/// What a model gets for one step on one rank, and what it gives back.

#include <cstdint>
#include <functional>
#include <span>

#include "ncf/util/exact_sum.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

/// This rank's slice of a global batch. Rows are what the owners of the slice's unique rows sent
/// (Model::owner_forward); slots say which of them a sample uses.
struct BatchView {
  ConstMatrixView users, items;                     // [unique × Model::travelling_cols()]
  std::span<const int32_t> user_slots, item_slots;  // [samples]
  std::span<const float> ratings;                   // [samples]; empty when only predicting
  std::span<const int64_t> bounds;  // [granules + 1]: granule g is samples [bounds[g], bounds[g + 1])
  int64_t global_rows = 0;          // samples of the step over all ranks
  int64_t first_position = 0;       // of the slice's first sample: in the epoch, or among all validation rows
  int64_t epoch = 0;
  /// Where rows are still on their way: when they are there for the samples up to this one of its granule.
  /// Any thread may call it.
  std::function<void(int64_t sample)> arrived;

  void wait_for(int64_t first, int64_t count) const {
    if (arrived && count > 0) arrived(first + count - 1);
  }
  int64_t granules() const { return static_cast<int64_t>(bounds.size()) - 1; }
  int64_t samples() const { return static_cast<int64_t>(user_slots.size()); }
};

/// Squared errors of a slice: exactly, and plainly (not finite when a prediction is not).
struct LossSum {
  ExactSum exact;
  double plain = 0;
};

}  // namespace ncf
