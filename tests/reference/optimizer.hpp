#pragma once
/// Update rules once more, for tests: a value at a time, in double precision, in the order of fastai's
/// callbacks (weight_decay, average_grad, average_sqr_grad, step_stat, adam_step).

#include <cmath>
#include <cstddef>
#include <vector>

#include "reference/schedule.hpp"

namespace ncf::reference {

struct Rule {
  bool sgd = false;  // else AdamW
  double weight_decay = 0.01, beta2 = 0.99, eps = 1e-5;
};

/// Of one value: fastai's grad_avg and sqr_avg.
struct Moments {
  double first = 0, second = 0;
};

/// What a step multiplies a value by before it moves it.
inline double decay(const Rule& rule, const Rates& rates) {
  return 1 - rates.lr * rule.weight_decay;
}

/// One step on one value. `step` counts from 1, over the whole run, whichever values it moves.
///   AdamW: w·=1−lr·wd; m=β₁m+(1−β₁)g; v=β₂v+(1−β₂)g²; w−=lr/(1−β₁ᵗ)·m/(√(v/(1−β₂ᵗ))+ε).
///   SGD:   w·=1−lr·wd; m=momentum·m+g; w−=lr·m. No dampening; the second moment is not used.
inline void move(const Rule& rule, const Rates& rates, std::size_t step, bool decays, double gradient,
                 double& w, Moments& moments) {
  if (decays) w *= decay(rule, rates);
  if (rule.sgd) {
    moments.first = rates.momentum * moments.first + gradient;
    w -= rates.lr * moments.first;
    return;
  }
  const double t = static_cast<double>(step), beta1 = rates.momentum, beta2 = rule.beta2;
  moments.first = beta1 * moments.first + (1 - beta1) * gradient;
  moments.second = beta2 * moments.second + (1 - beta2) * gradient * gradient;
  const double debiased_first = moments.first / (1 - std::pow(beta1, t));
  const double debiased_second = moments.second / (1 - std::pow(beta2, t));
  w -= rates.lr * debiased_first / (std::sqrt(debiased_second) + rule.eps);
}

}  // namespace ncf::reference
