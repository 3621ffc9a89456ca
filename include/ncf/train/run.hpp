#pragma once
/// A training run from configuration to saved model: what `ncf_dist train` does.

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"

namespace ncf {

/// Trains and writes run.dir (docs/formats.md). Returns the exit code, 0. Errors are thrown, agreed where all
/// ranks can know of them. Collective.
int run_training(const Config& config, Communicator& comm);

}  // namespace ncf
