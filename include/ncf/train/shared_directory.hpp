#pragma once
/// A directory that all hosts of a job have to share.

#include <string>

#include "ncf/comm/communicator.hpp"

namespace ncf {

/// Tries, before anything takes long, what the first checkpoint will need: that every host sees the directory
/// that rank 0 sees, and can write into it. `directory` exists on rank 0. Leaves nothing behind. Throws
/// Error{usage} that names run.dir and the host, agreed. Collective.
void check_shared_directory(Communicator& comm, const std::string& directory);

}  // namespace ncf
