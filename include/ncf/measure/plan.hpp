#pragma once
/// The command `plan`: memory, traffic and time of a training step at any number of ranks, without running it
/// there. Traffic and memory are formulas (step_cost.hpp); time is that of a rank's part of a step, measured
/// here on as many samples and as popular rows, and what the network adds.

#include <optional>
#include <string>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/measure/machine.hpp"
#include "ncf/measure/popularity.hpp"
#include "ncf/measure/step_cost.hpp"

namespace ncf {

struct PlanRequest {
  std::vector<int64_t> ranks;  ///< numbers of ranks to plan for
  std::optional<double>
      latency_s;  ///< of a message; none: as measured between the ranks of this job, or 2 µs
  std::optional<double> bytes_per_s;  ///< out of a rank; none: as measured, or 5e9
  std::optional<double> cores;        ///< that all ranks share; none: each has its own
  double seconds = 0.5;               ///< to measure for, each number of ranks
};

/// Seconds of a step, each phase with its communication.
struct PlannedTime {
  double plan = 0, gather = 0, compute = 0, synchronise = 0, update = 0;
  double step() const { return plan + gather + compute + synchronise + update; }
};

struct PlannedRanks {
  StepWork work;
  RankMemory memory;
  StepTraffic traffic;
  PlannedTime time;
  double samples_per_s() const { return static_cast<double>(work.batch) / time.step(); }
};

struct Plan {
  std::string source;  ///< of the ratings
  int64_t users = 0, items = 0, train = 0, valid = 0;
  Network network;
  bool network_measured = false;
  std::vector<PlannedRanks> ranks;
};

/// With data.path the ratings are read for how popular rows are; for synthetic ones that is computed without
/// drawing them. Errors as of loading data. The result is the same on every rank. Collective.
Plan plan(const Config& config, const PlanRequest& request, Communicator& comm);

/// What a step takes at `work.world` ranks, given what a rank's part of it takes alone. Phases of `alone`
/// that plan() does not measure are ignored.
struct PartTimes {
  double plan = 0, gather = 0, compute = 0, synchronise = 0, update = 0;
};
PlannedTime planned_time(const StepWork& work, const PartTimes& alone, const Network& network, double cores);

}  // namespace ncf
