#pragma once
/// Ratings as a model that is already there sees them.

#include <cstdint>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

/// The rows of the data set that are `chosen` (one flag a row of this rank's part), in canonical order, with
/// the rows of the vocabularies given; an id outside them is row 0. Collective.
Samples known_samples(const Dataset& dataset, const std::vector<uint8_t>& chosen, const Vocabulary& users,
                      const Vocabulary& items, Communicator& comm);

}  // namespace ncf
