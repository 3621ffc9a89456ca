#pragma once
/// From a path to a data set that is shared out among the ranks. docs/data.md tells formats and rules.

#include <cstdint>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

/// Whether a rank keeps the times of its ratings, eight bytes each, also when the split does not ask for
/// them.
enum class Times { as_split_needs, keep };

/// Reads the ratings of `config.path` in any format, or draws synthetic ones when it is empty. Every rank
/// reads its share of the files and ends with all ids and the ratings of its own users; what it gets differs
/// with the number of ranks only in where the ranges of users are cut. Repeated pairs are resolved by
/// config.duplicates; the root warns of them once. Errors, the same on every rank: Error{data} with file:line
/// and text, the first bad line of the file whichever rank met it; Error{usage} for keys that contradict the
/// data. Collective.
Dataset load_dataset(const DataConfig& config, uint64_t seed, Communicator& comm, Times times = Times::keep);

}  // namespace ncf
