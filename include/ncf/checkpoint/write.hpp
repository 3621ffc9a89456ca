#pragma once
/// Saving. The commit protocol: everything is written into `step-….partial`, fsynced and digested; ranks
/// agree; the manifest is written; one rename makes the directory valid; then the link `latest` moves.
/// Whatever fails before the rename, on any rank, leaves the checkpoints that were there untouched.
///
/// write_checkpoint does it all. Its parts are here for saving beside training (background_save.hpp): begin
/// and join_pieces communicate and are quick; write_pieces and commit wait for the disk, talk to nobody and
/// may run in a thread of their own.

#include <string>
#include <vector>

#include "ncf/checkpoint/manifest.hpp"
#include "ncf/checkpoint/snapshot.hpp"
#include "ncf/comm/communicator.hpp"

namespace ncf {

struct WrittenCheckpoint {
  std::string path;   // CHECKPOINTS/step-000001250
  int64_t bytes = 0;  // of all its files
};

/// Saves into `checkpoints`/step-…, making the directory `checkpoints` if need be; one of the same step is
/// replaced. Error{checkpoint} on every rank when any rank failed. Collective.
WrittenCheckpoint write_checkpoint(Communicator& comm, const std::string& checkpoints,
                                   const Snapshot& snapshot);

/// Makes an empty `step-….partial` and returns its path. Collective.
std::string begin_checkpoint(Communicator& comm, const std::string& checkpoints, int64_t step);

/// Writes this rank's shard (rank 0 also model.h5) into `partial`, flushes it to disk and digests it. No
/// communication. After an error no file of this rank is left.
std::vector<FileRecord> write_pieces(const std::string& partial, int64_t rank, int64_t world,
                                     const Snapshot& snapshot);

/// The manifest of all ranks' pieces; `mine` are this rank's. Collective.
Manifest join_pieces(Communicator& comm, const Snapshot& snapshot, const std::vector<FileRecord>& mine);

/// Turns `partial`, whose pieces are all written, into a checkpoint, and moves the link `latest` to it. For
/// one rank. Not collective.
WrittenCheckpoint commit_checkpoint(const std::string& partial, const Manifest& manifest);

/// Removes `partial` after a failure that all ranks know of, as far as it can be removed. Collective.
void abandon_checkpoint(Communicator& comm, const std::string& partial);

}  // namespace ncf
