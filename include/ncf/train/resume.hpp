#pragma once
/// Going on from a checkpoint: finding it, checking that it is of this run, loading it.

#include <optional>
#include <string>

#include "ncf/checkpoint/read.hpp"
#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/train/learner.hpp"
#include "ncf/util/exact_sum.hpp"

namespace ncf {

/// What a checkpoint of a run carries besides the model.
struct CarriedOn {
  Progress progress;
  ExactSum epoch_loss;  // of the epoch under way, over all ranks
  std::optional<double> best_mse;
  std::string data_digest;
};

/// Into `extra` and `extra_text` of a snapshot, and back from a manifest.
void carry(const CarriedOn& state, Snapshot& snapshot);
CarriedOn carried(const Manifest& manifest);

/// The newest valid checkpoint of run.dir, if it fits this configuration; says what was passed over and what
/// has changed. Path is empty when there is no checkpoint at all. Errors, the same on every rank:
/// Error{checkpoint} when there are checkpoints and none is valid, or when a key differs that may not.
/// Collective.
Candidate find_resume_point(Communicator& comm, const Config& config);

/// Loads what find_resume_point found. Errors as there, for data other than the checkpoint's.
/// Collective.
CarriedOn load_resume_point(Communicator& comm, const Candidate& from, const std::string& data_digest,
                            const TrainConfig& config, Learner& learner);

}  // namespace ncf
