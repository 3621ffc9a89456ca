#pragma once
/// Which checkpoint a path means.

#include <string>

#include "ncf/checkpoint/read.hpp"
#include "ncf/comm/communicator.hpp"

namespace ncf {

/// What a path is to the checkpoint layer, told from names and contents of directories.
enum class CheckpointPath {
  none,        // nothing of ours
  checkpoint,  // a directory step-…, or a link to one, or any directory with a manifest, model or shard in it
  unfinished,   // step-….partial and the like: a save or removal that was cut short
  checkpoints,  // a directory of such directories
  run,          // a run's directory, which has checkpoints/, config.yaml or metrics.jsonl
};
CheckpointPath kind_of_path(const std::string& path);

/// `path` without slashes at its end, and where it is a link of `checkpoints` (latest, best) what it leads
/// to.
std::string followed(const std::string& path);

/// The checkpoint in `path` itself, or the newest valid one of a run or of a directory `checkpoints`; digests
/// are checked. Error{checkpoint} when there is none, the same on every rank. Collective.
Candidate choose_checkpoint(Communicator& comm, const std::string& path);

}  // namespace ncf
