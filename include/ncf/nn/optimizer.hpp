#pragma once
/// Update rules on plain arrays. What they compute is written in DESIGN's order, which is fastai's:
/// decoupled weight decay first, then the moments, then the step.

#include <cstdint>
#include <span>

namespace ncf {

enum class RuleKind { adamw, sgd };

/// What does not change during a run.
struct UpdateRule {
  RuleKind kind = RuleKind::adamw;
  double weight_decay = 0;
  double beta2 = 0.99;
  double eps = 1e-5;
};

/// What the schedule says for one step. `momentum` is β₁ of AdamW, or the momentum of SGD.
struct StepRates {
  double lr = 0;
  double momentum = 0;
};

/// The factors of one step, worked out once in double precision.
struct StepFactors {
  RuleKind kind = RuleKind::adamw;
  float decay = 1;  ///< 1 − lr·wd
  float momentum = 0, one_minus_momentum = 1;
  float beta2 = 0, one_minus_beta2 = 1;
  float step_size = 0;       ///< AdamW: lr/(1 − β₁ᵗ); SGD: lr
  float inv_sqrt_bias2 = 1;  ///< 1/√(1 − β₂ᵗ)
  float eps = 0;
};

/// `step` counts from 1.
StepFactors step_factors(const UpdateRule& rule, const StepRates& rates, int64_t step);

/// One step on n values w with gradients g and moments m, v (SGD: m only, v is not touched).
/// AdamW: w·=decay; m=β₁m+(1−β₁)g; v=β₂v+(1−β₂)g²; w−=lr/(1−β₁ᵗ)·m/(√(v/(1−β₂ᵗ))+ε).
/// SGD: w·=decay; m=momentum·m+g; w−=lr·m.
void update(const StepFactors& f, bool decays, int64_t n, float* w, const float* g, float* m, float* v);

/// The same step where every gradient is zero: rows a dense update moves though no sample touched them.
void update_without_gradient(const StepFactors& f, bool decays, int64_t n, float* w, float* m, float* v);

}  // namespace ncf
