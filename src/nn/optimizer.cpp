#include "ncf/nn/optimizer.hpp"

#include <cmath>

#include "ncf/util/target.hpp"
#include "update_kernels.hpp"

namespace ncf {
namespace {

template <bool two_terms>
inline __attribute__((always_inline)) bool sgd(float decay, float momentum, float lr, int64_t n,
                                               float* __restrict w, const float* __restrict g,
                                               const float* __restrict more, float* __restrict m) {
  LargestBits largest;
  for (int64_t i = 0; i < n; ++i) {
    const float grad = two_terms ? g[i] + more[i] : g[i];
    const float mi = momentum * m[i] + grad, wi = w[i] * decay - lr * mi;
    m[i] = mi;
    w[i] = wi;
    largest.add(wi);
  }
  return largest.of_finite();
}

NCF_MULTIARCH bool sgd_kernel(float decay, float momentum, float lr, int64_t n, float* w, const float* g,
                              const float* more, float* m) {
  return more == nullptr ? sgd<false>(decay, momentum, lr, n, w, g, more, m)
                         : sgd<true>(decay, momentum, lr, n, w, g, more, m);
}

NCF_MULTIARCH bool sgd_rows(const StepFactors& f, const RowsToMove& job) {
  bool finite = true;
  for (std::size_t k = 0; k < job.rows.size(); ++k) {
    const int64_t row = job.rows[k];
    job.ask_for(k);
    finite &= sgd<false>(f.decay, f.momentum, f.step_size, job.weight.cols, job.weight.row(row),
                         job.gradients.row(static_cast<int64_t>(k)), nullptr, job.first_moment.row(row));
  }
  return finite;
}

NCF_MULTIARCH void sgd_idle(float decay, float size, float first, int64_t n, float* __restrict w,
                            float* __restrict m) {
  for (int64_t i = 0; i < n; ++i) {
    w[i] = decay * (w[i] - size * m[i]);
    m[i] *= first;
  }
}

/// A product of momentums below this moves nothing any more: what is left of the sum is far below the last
/// bit of any weight that matters, and the moments themselves would be denormal numbers, which are slow.
constexpr double negligible = 1e-16;

}  // namespace

StepFactors step_factors(const UpdateRule& rule, const StepRates& rates, int64_t step) {
  const double t = static_cast<double>(step);
  StepFactors f;
  f.kind = rule.kind;
  f.decay = static_cast<float>(1 - rates.lr * rule.weight_decay);
  f.momentum = static_cast<float>(rates.momentum);
  if (rule.kind == RuleKind::sgd) {
    f.step_size = static_cast<float>(rates.lr);
    return f;
  }
  f.one_minus_momentum = static_cast<float>(1 - rates.momentum);
  f.beta2 = static_cast<float>(rule.beta2);
  f.one_minus_beta2 = static_cast<float>(1 - rule.beta2);
  f.step_size = static_cast<float>(rates.lr / (1 - std::pow(rates.momentum, t)));
  f.inv_sqrt_bias2 = static_cast<float>(1 / std::sqrt(1 - std::pow(rule.beta2, t)));
  f.eps = static_cast<float>(rule.eps);
  return f;
}

bool update(const StepFactors& f, bool decays, int64_t n, float* w, const float* g, float* m, float* v,
            const float* second_term) {
  const float decay = decays ? f.decay : 1.0F;
  if (f.kind == RuleKind::adamw) return adamw_kernel(f, decay, n, w, g, second_term, m, v);
  return sgd_kernel(decay, f.momentum, f.step_size, n, w, g, second_term, m);
}

bool update_rows(const StepFactors& f, const RowsToMove& job) {
  if (f.kind == RuleKind::adamw) return adamw_rows_kernel(f, job);
  return sgd_rows(f, job);
}

void IdleSteps::begin(const StepFactors& f) {
  kind_ = f.kind;
  eps_ = f.eps;
  size_.clear();
  root_.clear();
  first_ = second_ = decay_ = 1;
}

bool IdleSteps::add(const StepFactors& f) {
  first_ *= static_cast<double>(f.momentum);
  if (first_ < negligible) {
    first_ = 0;
    return false;
  }
  second_ *= static_cast<double>(f.beta2);
  decay_ *= static_cast<double>(f.decay);
  // With w/decay in place of w a step has no decay of its own: w = decay·(w − m·Σ …).
  size_.push_back(static_cast<float>(static_cast<double>(f.step_size) * first_ / decay_));
  root_.push_back(static_cast<float>(static_cast<double>(f.inv_sqrt_bias2) * std::sqrt(second_)));
  return true;
}

void IdleSteps::apply(double decay, double second, int64_t n, float* w, float* m, float* v) const {
  const auto all = static_cast<float>(decay), first = static_cast<float>(first_);
  if (kind_ == RuleKind::adamw)
    return adamw_idle_kernel(std::ssize(size_), size_.data(), root_.data(), eps_, all, first,
                             second < negligible ? 0.0F : static_cast<float>(second), n, w, m, v);
  double sum = 0;
  for (const float size : size_) sum += static_cast<double>(size);
  sgd_idle(all, static_cast<float>(sum), first, n, w, m);
}

}  // namespace ncf
