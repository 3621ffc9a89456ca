#pragma once
/// One vocabulary out of the ids that each rank has met.

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ids.hpp"

namespace ncf {

/// The ids of all ranks, on every rank. Each id is sent once to the rank that its hash names, which drops the
/// repeats, so no rank ever receives more than all different ids. Collective.
Vocabulary vocabulary_union(const IdSet& mine, Communicator& comm);

}  // namespace ncf
