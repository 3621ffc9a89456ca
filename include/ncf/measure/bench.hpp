#pragma once
/// The command `bench`: the phases of a training step on a configuration's data and shapes, beside what the
/// machine can do (machine.hpp).

#include <optional>
#include <string>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/measure/overlap_times.hpp"
#include "ncf/measure/step_cost.hpp"
#include "ncf/measure/step_times.hpp"

namespace ncf {

struct BenchResult {
  std::string source;  ///< of the ratings
  int64_t threads = 1;
  int64_t parameters = 0;
  int64_t evaluated = 0;  ///< validation samples of all ranks; 0: none
  double evaluate_s = 0;  ///< for all of them
  StepWork work;          ///< with the expected numbers of unique rows
  StepTimes times;
  std::optional<OverlapTimes> overlap;

  double samples_per_s() const { return static_cast<double>(work.batch) / times.step.slowest_s; }
};

/// How long steps are measured: about so many seconds, but no fewer steps than `least`.
struct BenchLength {
  double seconds = 0;
  int64_t least = least_steps;
};

/// Loads the data as training does and trains steps, writing nothing anywhere. Errors as of training.
/// `overlap`: among several ranks also for what comm.overlap gains, for as long again. The result is the same
/// on every rank. Collective.
BenchResult bench(const Config& config, Communicator& comm, BenchLength length, bool overlap = false);

}  // namespace ncf
