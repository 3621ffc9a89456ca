#pragma once
/// What is gained by communicating beside the computation: steps with and without it, by turns, so that
/// whatever else the machine does hits both alike.

#include <algorithm>
#include <cstdint>

#include "ncf/measure/step_times.hpp"
#include "ncf/train/overlap_trial.hpp"

namespace ncf {

/// Seconds of a step with comm.overlap `never` and `always`; means over ranks.
struct OverlapTime {
  double never = 0, always = 0;
  double communication = 0;  ///< of `never`: inside of collectives, waiting for other ranks included
  double computation = 0;    ///< of `never`: all else
  /// Of what can be hidden, the shorter of the two, the part that is.
  double hidden() const {
    const double most = std::min(communication, computation);
    return most > 0 ? (never - always) / most : 0;
  }
};

struct OverlapTimes {
  int64_t steps = 0;  ///< of each kind
  int64_t parts = 1;  ///< in which rows come while they are computed on
  /// Over steps. On a machine that others use, too, the least is what tells: a rank that waits gives up its
  /// core, and gets it back when it is its turn again.
  OverlapTime median_s, minimum_s;
};

/// Trains for about `seconds`; the learner is one that has not stepped yet. Collective.
OverlapTimes time_overlap(Communicator& comm, Learner& learner, const NextPart& next, int64_t batch_size,
                          double seconds);

/// Takes the steps of a trial, to its end. Collective.
void finish_trial(Communicator& comm, Learner& learner, const NextPart& next, OverlapTrial& trial);

}  // namespace ncf
