#pragma once
/// From a data set to the input of training: split, model vocabularies, model rows.

#include <cstdint>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

/// For each row of this rank's part, 1 when it validates (split.hpp). Errors as below. Collective.
std::vector<uint8_t> chosen_to_validate(const Dataset& dataset, const DataConfig& config, uint64_t seed,
                                        Communicator& comm);

/// Splits the data set (split.hpp) and numbers its ids for the model: with config.vocabulary `train`, users
/// and items that have a training rating; with `all`, all of the data set. Ids outside are row 0. Either part
/// may be empty, also on all ranks. Errors, the same on every rank: Error{usage} when the split needs times
/// or a given split and the data set has none. Collective.
TrainingData make_training_data(const Dataset& dataset, const DataConfig& config, uint64_t seed,
                                Communicator& comm);

}  // namespace ncf
