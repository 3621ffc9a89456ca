#pragma once
/// The order in which a granule's samples are computed, where it takes several micro-batches: those whose
/// units are on and off alike next to each other, so that more units are off for all of a micro-batch
/// (nn/units_on.hpp).
///
/// One direction of the inputs decides most of what turns units on: the first right singular vector v of the
/// first layer's weight, in which its outputs differ most (nearly, after a few rounds of the power method).
/// Samples are sorted by x·v, which is a sum of one
/// number a row of either table.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ncf/model/batch.hpp"
#include "ncf/nn/parameters.hpp"
#include "ncf/util/matrix.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class SampleOrder {
 public:
  /// The samples of each granule in their new order; user_slots, item_slots and ratings of `batch` then are
  /// memory of this object, until the next call. The rows must have arrived. weight [units × inputs], and
  /// transposed: of the first layer, whose inputs are a user's row and an item's: of the batch's `rows` the
  /// columns that it takes. A function of these and of the granule's samples alone. Where numbers are not
  /// finite the order is any.
  void arrange(ConstMatrixView weight, ConstMatrixView transposed, std::array<ConstMatrixView, 2> rows,
               BatchView& batch, WorkerPool& pool);

  /// The direction for the last call: [inputs], of length 1, or zeros.
  std::span<const float> direction() const { return direction_; }

 private:
  void find_direction(ConstMatrixView weight, ConstMatrixView transposed);
  void arrange_granule(const BatchView& batch, int64_t first, int64_t end);

  std::vector<float> direction_, units_;        // [inputs], [units]
  std::vector<float> of_user_, of_item_, key_;  // [rows], [rows], [samples]
  std::vector<int32_t> user_slots_, item_slots_;
  std::vector<float> ratings_;
};

}  // namespace ncf
