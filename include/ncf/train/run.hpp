#pragma once
/// A training run from configuration to saved model: what `ncf_dist train` does.

#include <string>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"

namespace ncf {

/// Where a run starts.
struct RunStart {
  bool resume = false;    // from the newest valid checkpoint of run.dir; anew if there is none
  std::string init_from;  // else, from the weights of this checkpoint; empty: from fresh ones
};

/// Trains and writes run.dir (docs/formats.md). Returns the exit code: 0, or 75 when it stopped on request
/// after saving. Errors are thrown, agreed where all ranks can know of them. Collective.
int run_training(const Config& config, Communicator& comm, const RunStart& start);

}  // namespace ncf
