#pragma once
/// Moves the rows of sharded tables, each only at the steps whose batch uses it. What the steps in between
/// would have done to it is made up for before it is next read: with `dense` updates all that a step does to
/// a row without a gradient (its moments still move it, and it decays), with `lazy` ones the weight decay
/// only.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/embed/row_table.hpp"
#include "ncf/nn/optimizer.hpp"
#include "ncf/nn/schedule.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class RowOptimizer {
 public:
  RowOptimizer(const UpdateRule& rule, const Schedule& schedule, bool lazy);

  /// Brings these local rows up to and including step `step`, and copies them to `to` [rows × cols], since
  /// they are at hand then.
  void catch_up(RowTable& table, std::span<const int64_t> rows, int64_t step, MatrixView to,
                WorkerPool& pool);
  /// The same for every row: before evaluation and at the end of an epoch.
  void catch_up_all(RowTable& table, int64_t step, WorkerPool& pool);
  /// Step `step` (from 1) with the summed gradients [rows × cols] of these local rows, caught up to step − 1.
  /// Returns whether they are all finite then (optimizer.hpp).
  bool move(RowTable& table, std::span<const int64_t> rows, ConstMatrixView gradients,
            const StepFactors& factors, int64_t step, WorkerPool& pool) const;

 private:
  void catch_up_lazy(RowTable& table, std::span<const int64_t> rows, int64_t step, MatrixView to) const;
  void catch_up_dense(RowTable& table, std::span<const int64_t> rows, int64_t step, MatrixView to) const;
  void catch_up_row(RowTable& table, int64_t row, int64_t step, IdleSteps& idle) const;
  void take_idle_steps(RowTable& table, int64_t row, int64_t step, IdleSteps& idle) const;
  void decay_row(RowTable& table, int64_t row, int64_t step) const;
  void know_steps(int64_t until);
  /// What weight decay leaves of a value in the steps after `after`, up to `step`.
  double decay(int64_t after, int64_t step) const;

  UpdateRule rule_;
  Schedule schedule_;
  bool lazy_ = true;
  std::vector<StepFactors> factors_;  // of steps 0 (unused), 1, …, as far as they were needed
  std::vector<double> log_decay_;     // Σ log(1 − lr·wd) of steps 1..t, likewise
  std::vector<double> decay_;         // its exponential function
};

}  // namespace ncf
