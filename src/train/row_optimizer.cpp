#include "ncf/train/row_optimizer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "ncf/util/denormals.hpp"
#include "ncf/util/prefetch.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr std::size_t ahead = 12;  // rows that are asked for while one is caught up

/// Multiplies each row by its factor and copies it to `to`.
NCF_MULTIARCH void decay_rows(MatrixView weight, std::span<const int64_t> rows, const float* factors,
                              MatrixView to) {
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (k + ahead < rows.size()) prefetch(weight.row(rows[k + ahead]), weight.cols);
    float* __restrict w = weight.row(rows[k]);
    float* __restrict copy = to.row(static_cast<int64_t>(k));
    for (int64_t c = 0; c < weight.cols; ++c) copy[c] = w[c] *= factors[k];
  }
}

}  // namespace

RowOptimizer::RowOptimizer(const UpdateRule& rule, const Schedule& schedule, bool lazy)
    : rule_(rule), schedule_(schedule), lazy_(lazy), factors_(1), log_decay_(1, 0.0), decay_(1, 1.0) {}

void RowOptimizer::know_steps(int64_t until) {
  for (int64_t t = std::ssize(log_decay_); t <= until; ++t) {
    const StepRates rates = schedule_.at(t - 1);
    log_decay_.push_back(log_decay_.back() + std::log1p(-rates.lr * rule_.weight_decay));
    decay_.push_back(std::exp(log_decay_.back()));
    if (!lazy_) factors_.push_back(step_factors(rule_, rates, t));
  }
}

double RowOptimizer::decay(int64_t after, int64_t step) const {
  const auto from = static_cast<std::size_t>(after), to = static_cast<std::size_t>(step);
  // A ratio, which is sooner had than an exponential, while both are far from the smallest numbers.
  constexpr double small = 1e-200;
  return decay_[to] > small ? decay_[to] / decay_[from] : std::exp(log_decay_[to] - log_decay_[from]);
}

void RowOptimizer::decay_row(RowTable& table, int64_t row, int64_t step) const {
  if (rule_.weight_decay == 0) return;
  const auto factor = static_cast<float>(decay(table.last_step[static_cast<std::size_t>(row)], step));
  float* w = table.weight.row(row);
  for (int64_t c = 0; c < table.weight.cols(); ++c) w[c] *= factor;
}

void RowOptimizer::take_idle_steps(RowTable& table, int64_t row, int64_t step, IdleSteps& idle) const {
  const int64_t last = table.last_step[static_cast<std::size_t>(row)];
  idle.begin(factors_[static_cast<std::size_t>(step)]);
  for (int64_t t = last + 1; t <= step && idle.add(factors_[static_cast<std::size_t>(t)]); ++t) {
  }
  idle.apply(decay(last, step), std::pow(rule_.beta2, static_cast<double>(step - last)), table.weight.cols(),
             table.weight.row(row), table.first_moment.row(row), table.second_moment.row(row));
}

void RowOptimizer::catch_up_row(RowTable& table, int64_t row, int64_t step, IdleSteps& idle) const {
  int64_t& last = table.last_step[static_cast<std::size_t>(row)];
  if (last >= step) return;
  lazy_ ? decay_row(table, row, step) : take_idle_steps(table, row, step, idle);
  last = step;
}

void RowOptimizer::catch_up(RowTable& table, std::span<const int64_t> rows, int64_t step, MatrixView to,
                            WorkerPool& pool) {
  know_steps(step);
  pool.share_out(std::ssize(rows), [&](int64_t first, int64_t last) {
    const FlushDenormals flush;
    const auto here = rows.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    const MatrixView copies = to.rows_from(first, last - first);
    lazy_ ? catch_up_lazy(table, here, step, copies) : catch_up_dense(table, here, step, copies);
  });
}

void RowOptimizer::catch_up_lazy(RowTable& table, std::span<const int64_t> rows, int64_t step,
                                 MatrixView to) const {
  thread_local std::vector<float> factors;
  factors.resize(rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (k + ahead < rows.size()) __builtin_prefetch(table.last_step.data() + rows[k + ahead]);
    int64_t& last = table.last_step[static_cast<std::size_t>(rows[k])];
    factors[k] = last < step ? static_cast<float>(decay(last, step)) : 1.0F;
    last = std::max(last, step);
  }
  decay_rows(table.weight.view(), rows, factors.data(), to);
}

void RowOptimizer::catch_up_dense(RowTable& table, std::span<const int64_t> rows, int64_t step,
                                  MatrixView to) const {
  IdleSteps idle;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (k + ahead < rows.size()) {
      const int64_t next = rows[k + ahead];
      __builtin_prefetch(table.last_step.data() + next);
      for (const Matrix* m : {&table.weight, &table.first_moment, &table.second_moment})
        prefetch(m->row(next), m->cols());
    }
    catch_up_row(table, rows[k], step, idle);
    std::copy_n(table.weight.row(rows[k]), to.cols, to.row(static_cast<int64_t>(k)));
  }
}

void RowOptimizer::catch_up_all(RowTable& table, int64_t step, WorkerPool& pool) {
  know_steps(step);
  pool.share_out(table.local_rows(), [&](int64_t first, int64_t end) {
    const FlushDenormals flush;
    IdleSteps idle;
    for (int64_t row = first; row < end; ++row) catch_up_row(table, row, step, idle);
  });
}

bool RowOptimizer::move(RowTable& table, std::span<const int64_t> rows, ConstMatrixView gradients,
                        const StepFactors& factors, int64_t step, WorkerPool& pool) const {
  std::atomic<bool> finite = true;
  pool.share_out(std::ssize(rows), [&](int64_t first, int64_t last) {
    const FlushDenormals flush;
    const auto here = rows.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    const RowsToMove job{here, table.weight.view(), table.first_moment.view(), table.second_moment.view(),
                         gradients.rows_from(first, last - first)};
    if (!update_rows(factors, job)) finite = false;
    for (const int64_t row : here) table.last_step[static_cast<std::size_t>(row)] = step;
  });
  return finite;
}

}  // namespace ncf
