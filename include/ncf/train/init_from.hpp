#pragma once
/// Starting a new run from the weights of another one.

#include <string>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/learner.hpp"

namespace ncf {

/// Takes over the weights of the checkpoint `path` (a step-… directory, or a run's, whose newest valid one is
/// taken): dense parameters as they are, rows of users and items by their ids. Ids the checkpoint does not
/// know keep their fresh rows; moments start from zero. Returns a sentence on what was taken. Errors, the
/// same on every rank: Error{checkpoint} for no valid checkpoint, or other shapes. Collective.
std::string init_from(Communicator& comm, const std::string& path, const TrainingData& data,
                      Learner& learner);

}  // namespace ncf
