#pragma once
/// The command `prepare`: ratings in any format become one HDF5 data set.

#include <string>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"

namespace ncf {

/// Loads what config.data describes and writes it to the file `output`, which appears under its name only
/// when it is whole; one that is there is replaced. The root prints what it holds and what to type next.
/// Returns the exit code 0; errors, the same on every rank: those of load_dataset, Error{usage} when `output`
/// cannot be a file, Error{data} when writing fails. Collective.
int prepare(const Config& config, const std::string& output, Communicator& comm);

}  // namespace ncf
