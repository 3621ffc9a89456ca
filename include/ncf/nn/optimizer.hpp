#pragma once
/// Update rules on plain arrays. What they compute is written in DESIGN's order, which is fastai's:
/// decoupled weight decay first, then the moments, then the step.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/util/matrix.hpp"
#include "ncf/util/prefetch.hpp"

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
/// Gradients in two terms are added up first. Returns whether all w are finite then; they are not where a
/// gradient, a moment or a w before was not.
bool update(const StepFactors& f, bool decays, int64_t n, float* w, const float* g, float* m, float* v,
            const float* second_term = nullptr);

/// Rows of a table that a step moves: row rows[k] of weight and moments has row k of the gradients.
struct RowsToMove {
  std::span<const int64_t> rows;
  MatrixView weight, first_moment, second_moment;
  ConstMatrixView gradients;

  /// To be called before the k-th is moved: asks for one that follows, to be there in time.
  NCF_PREFETCHES void ask_for(std::size_t k) const {
    constexpr std::size_t ahead = 8;
    if (k + ahead >= rows.size()) return;
    const int64_t row = rows[k + ahead];
    prefetch(weight.row(row), weight.cols);
    prefetch(first_moment.row(row), weight.cols);
    prefetch(second_moment.row(row), weight.cols);
  }
};
/// update() of each, with decay; quicker than one by one.
bool update_rows(const StepFactors& f, const RowsToMove& job);

/// Several steps in a row in which a value has no gradient, taken at once. Such steps are known in advance
/// but for the state they start from (w, m, v):
///
///     AdamW: w = D·(w − m·Σₖ sizeₖ·β₁…/Dₖ / (√v·√(β₂…)/√(1 − β₂ᵗ) + ε)),  m·=β₁…,  v·=β₂…
///     SGD:   w = D·(w − m·Σₖ lrₖ·μ…/Dₖ),  m·=μ…
///
/// with D the product of the decays. So a row need not be moved at every step for its moments to move it,
/// only before it is read: what PyTorch's dense optimisers do to every row at every step costs a sum a row.
class IdleSteps {
 public:
  /// Starts with no step; `f`: any step of the run.
  void begin(const StepFactors& f);
  /// False when the momentum is used up: from there on nothing but decay and second moment changes, and no
  /// further step need be added.
  bool add(const StepFactors& f);
  /// n values with their moments. `decay` and `second`: D and the product of the β₂ over all steps, those not
  /// added too.
  void apply(double decay, double second, int64_t n, float* w, float* m, float* v) const;

 private:
  RuleKind kind_ = RuleKind::adamw;
  float eps_ = 0;
  std::vector<float> size_, root_;  // a number a step
  double first_ = 1, second_ = 1, decay_ = 1;
};

}  // namespace ncf
