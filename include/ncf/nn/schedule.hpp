#pragma once
/// Learning rate and momentum of every step of a run: pure functions of the step.

#include <cstdint>

#include "ncf/nn/optimizer.hpp"

namespace ncf {

enum class ScheduleShape { one_cycle, cosine, step, constant };

struct Schedule {
  ScheduleShape shape = ScheduleShape::one_cycle;
  double lr = 1e-3;
  double momentum = 0.9;  ///< β₁ or SGD's momentum; one_cycle moves it 0.95 → 0.85 → 0.95 instead
  int64_t total_steps = 1;
  double warmup = 0;          ///< fraction of all steps that rise linearly from 0; not for one_cycle
  int64_t decay_every = 1;    ///< shape step: steps between drops
  double decay_factor = 0.1;  ///< shape step: what a drop multiplies by

  /// `step` counts from 0. one_cycle as fastai's fit_one_cycle: with x = step/total_steps, the first quarter
  /// goes lr/25 → lr, the rest lr → lr/1e5, both along a half cosine.
  StepRates at(int64_t step) const;
};

}  // namespace ncf
