#include "ncf/train/row_optimizer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "ncf/util/denormals.hpp"
#include "ncf/util/prefetch.hpp"

namespace ncf {
namespace {

constexpr std::size_t ahead = 8;       // rows that are asked for while one is moved
constexpr std::size_t far_ahead = 12;  // while one is caught up, which is sooner done

void prefetch_row(const Matrix& table, int64_t row) {
  prefetch(table.row(row), table.cols());
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

void RowOptimizer::catch_up_lazy(RowTable& table, int64_t row, int64_t step) const {
  if (rule_.weight_decay == 0) return;
  const auto factor = static_cast<float>(decay(table.last_step[static_cast<std::size_t>(row)], step));
  float* w = table.weight.row(row);
  for (int64_t c = 0; c < table.weight.cols(); ++c) w[c] *= factor;
}

void RowOptimizer::catch_up_dense(RowTable& table, int64_t row, int64_t step, IdleSteps& idle) const {
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
  lazy_ ? catch_up_lazy(table, row, step) : catch_up_dense(table, row, step, idle);
  last = step;
}

void RowOptimizer::catch_up(RowTable& table, std::span<const int64_t> rows, int64_t step, MatrixView to,
                            WorkerPool& pool) {
  know_steps(step);
  pool.share_out(std::ssize(rows), [&](int64_t first, int64_t last) {
    const FlushDenormals flush;
    const auto end = static_cast<std::size_t>(last);
    IdleSteps idle;
    for (auto k = static_cast<std::size_t>(first); k < end; ++k) {
      if (k + far_ahead < end) {
        const int64_t next = rows[k + far_ahead];
        __builtin_prefetch(table.last_step.data() + next);
        prefetch_row(table.weight, next);
        if (!lazy_) prefetch_row(table.first_moment, next);
        if (!lazy_) prefetch_row(table.second_moment, next);
      }
      catch_up_row(table, rows[k], step, idle);
      std::copy_n(table.weight.row(rows[k]), to.cols, to.row(static_cast<int64_t>(k)));
    }
  });
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
    const auto end = static_cast<std::size_t>(last);
    bool all = true;
    for (auto k = static_cast<std::size_t>(first); k < end; ++k) {
      const int64_t row = rows[k];
      if (k + ahead < end) {
        prefetch_row(table.weight, rows[k + ahead]);
        prefetch_row(table.first_moment, rows[k + ahead]);
        prefetch_row(table.second_moment, rows[k + ahead]);
      }
      all &= update(factors, true, table.weight.cols(), table.weight.row(row),
                    gradients.row(static_cast<int64_t>(k)), table.first_moment.row(row),
                    table.second_moment.row(row));
      table.last_step[static_cast<std::size_t>(row)] = step;
    }
    if (!all) finite = false;
  });
  return finite;
}

}  // namespace ncf
