#pragma once
/// Moves the rows of sharded tables. `dense` moves every row every step; `lazy` moves the rows of the batch,
/// and makes up for the weight decay that a row missed, at the learning rates of the steps it missed, before
/// it is next read.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/embed/row_table.hpp"
#include "ncf/nn/optimizer.hpp"
#include "ncf/nn/schedule.hpp"

namespace ncf {

class RowOptimizer {
 public:
  RowOptimizer(const UpdateRule& rule, const Schedule& schedule, bool lazy);

  bool lazy() const { return lazy_; }
  /// Applies to these local rows the decay of all steps up to and including `step`. Nothing to do when dense.
  void catch_up(RowTable& table, std::span<const int64_t> rows, int64_t step) const;
  /// The same for every row: before evaluation and checkpoints.
  void catch_up_all(RowTable& table, int64_t step) const;
  /// Step `step` (from 1) with the summed gradients [rows × cols] of these local rows (ascending, caught up
  /// to step − 1).
  void move(RowTable& table, std::span<const int64_t> rows, const Matrix& gradients,
            const StepFactors& factors, int64_t step) const;

 private:
  void catch_up_row(RowTable& table, int64_t row, int64_t step) const;

  bool lazy_ = true;
  std::vector<double> log_decay_;  // [steps + 1]: Σ log(1 − lr·wd) of steps 1..t; empty without decay
};

}  // namespace ncf
