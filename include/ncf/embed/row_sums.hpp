#pragma once
/// The gradients of one table's rows while a rank computes its part of a batch: every sample adds to its row,
/// a granule apart from the others, in sample order; then the granules are added along the tree of
/// granules.hpp. Granules may be filled side by side, by different threads.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/util/matrix.hpp"
#include "ncf/util/row_terms.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class RowSums {
 public:
  /// Sums begin with their first samples (first()): what stands in values() before is of no meaning. `slots`:
  /// each sample's row of `total` [unique × cols], where finish() leaves the sums; `bounds` [granules + 1]
  /// cut the samples. All three are to be valid until then.
  void begin(std::span<const int32_t> slots, std::span<const int64_t> bounds, MatrixView total);

  /// What sample k adds to is row terms()[k] of values(). Samples of different granules never share one.
  std::span<const int32_t> terms() const { return terms_; }
  /// first()[k]: 1 where no sample before k adds to the row that k adds to, else 0.
  std::span<const uint8_t> first() const { return first_; }
  /// Both, of samples [from, from + samples).
  RowTerms terms(int64_t from, int64_t samples) const {
    const auto at = static_cast<std::size_t>(from), count = static_cast<std::size_t>(samples);
    return {terms().subspan(at, count), first().subspan(at, count)};
  }
  MatrixView values() { return values_; }

  /// The sums of this rank's granules are in `total`. The threads of `pool` share the rows.
  void finish(WorkerPool& pool);

 private:
  void find_first(int64_t rows);
  int64_t cut_into_granules(std::span<const int32_t> slots, std::span<const int64_t> bounds);

  std::span<const int32_t> terms_;  // the slots themselves when there is one granule
  MatrixView total_, values_;       // the same when there is one granule
  int64_t granules_ = 1;
  std::vector<int32_t> own_terms_;   // [samples]
  std::vector<uint8_t> first_;       // [samples]
  std::vector<uint8_t> seen_;        // [rows of values_]
  std::vector<int32_t> of_granule_;  // [granules × unique]: term of a row in a granule, or -1
  Matrix own_values_;
  std::vector<float> zeros_;
};

}  // namespace ncf
