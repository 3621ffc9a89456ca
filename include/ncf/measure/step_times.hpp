#pragma once
/// Times of training steps, phase by phase. Medians and minima over steps: on a machine that others use, sums
/// and means tell about them.

#include <array>
#include <cstdint>
#include <functional>

#include "ncf/comm/communicator.hpp"
#include "ncf/train/learner.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {

struct PhaseTime {
  double median_s = 0;   ///< over steps; mean over ranks
  double minimum_s = 0;  ///< likewise
  double slowest_s = 0;  ///< the median of the slowest rank
};

struct StepTimes {
  /// Of Phase::samples the mean instead of the median: samples come a window of steps at a time.
  std::array<PhaseTime, static_cast<std::size_t>(Phase::count)> phases;
  PhaseTime step;         ///< from one step to the next
  int64_t steps = 0;      ///< that were measured
  double sent_bytes = 0;  ///< a step and rank; median over steps, mean over ranks

  const PhaseTime& of(Phase phase) const { return phases[static_cast<std::size_t>(phase)]; }
};

/// This rank's part of the next step; called once a step, 0, 1, …. Collective where it communicates.
using NextPart = std::function<EpochSamples::Part(int64_t)>;

/// A schedule for time_steps() has so many steps.
inline constexpr int64_t most_steps = 100'000;
/// Fewer say nothing about their median.
inline constexpr int64_t least_steps = 5;

/// Trains steps for about `seconds`, at least `least` (5 or more) and fewer than most_steps, after a few that
/// are not counted; the same number on all ranks, `least` for 0 seconds. Phase::samples is what `next` takes.
/// Collective.
StepTimes time_steps(Communicator& comm, Learner& learner, const NextPart& next, double seconds,
                     int64_t least = least_steps);

}  // namespace ncf
