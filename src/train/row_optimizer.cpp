#include "ncf/train/row_optimizer.hpp"

#include <cmath>

namespace ncf {

RowOptimizer::RowOptimizer(const UpdateRule& rule, const Schedule& schedule, bool lazy) : lazy_(lazy) {
  if (!lazy || rule.weight_decay == 0) return;
  log_decay_.assign(static_cast<std::size_t>(schedule.total_steps) + 1, 0.0);
  for (int64_t t = 1; t <= schedule.total_steps; ++t)
    log_decay_[static_cast<std::size_t>(t)] =
        log_decay_[static_cast<std::size_t>(t) - 1] + std::log1p(-schedule.at(t - 1).lr * rule.weight_decay);
}

void RowOptimizer::catch_up_row(RowTable& table, int64_t row, int64_t step) const {
  int64_t& last = table.last_step[static_cast<std::size_t>(row)];
  if (last >= step) return;
  if (!log_decay_.empty()) {
    const auto factor = static_cast<float>(
        std::exp(log_decay_[static_cast<std::size_t>(step)] - log_decay_[static_cast<std::size_t>(last)]));
    float* w = table.weight.row(row);
    for (int64_t c = 0; c < table.weight.cols(); ++c) w[c] *= factor;
  }
  last = step;
}

void RowOptimizer::catch_up(RowTable& table, std::span<const int64_t> rows, int64_t step) const {
  if (!lazy_) return;
  for (int64_t row : rows) catch_up_row(table, row, step);
}

void RowOptimizer::catch_up_all(RowTable& table, int64_t step) const {
  if (!lazy_) return;
  for (int64_t row = 0; row < table.local_rows(); ++row) catch_up_row(table, row, step);
}

void RowOptimizer::move(RowTable& table, std::span<const int64_t> rows, const Matrix& gradients,
                        const StepFactors& factors, int64_t step) const {
  const int64_t cols = table.weight.cols();
  int64_t done = 0;  // rows below are moved; dense only
  const auto move_untouched = [&](int64_t until) {
    if (until > done)
      update_without_gradient(factors, true, (until - done) * cols, table.weight.row(done),
                              table.first_moment.row(done), table.second_moment.row(done));
  };
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const int64_t row = rows[k];
    if (!lazy_) move_untouched(row);
    update(factors, true, cols, table.weight.row(row), gradients.row(static_cast<int64_t>(k)),
           table.first_moment.row(row), table.second_moment.row(row));
    table.last_step[static_cast<std::size_t>(row)] = step;
    done = row + 1;
  }
  if (lazy_) return;
  move_untouched(table.local_rows());
  std::fill(table.last_step.begin(), table.last_step.end(), step);
}

}  // namespace ncf
