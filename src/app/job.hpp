#pragma once
/// From arguments to an exit code: who prints what, and whether a failure ends in finalize or in abort.

#include <optional>
#include <span>
#include <string>

#include "ncf/comm/communicator.hpp"

namespace ncf::app {

/// Answers what needs no MPI (help, versions, config, and errors in the arguments); returns the exit code, or
/// nothing when there is work to do. For a process that no launcher started.
std::optional<int> answer_alone(std::span<const std::string> arguments);

/// Does what the arguments ask and returns the exit code. Every exception ends here: one that all ranks agree
/// on is said once and all return its code; one that this rank has alone ends the whole job. Collective.
int run_job(std::span<const std::string> arguments, Communicator& comm);

}  // namespace ncf::app
