#pragma once
/// Finding, checking and loading checkpoints, at any number of ranks. Errors: Error{checkpoint}, the same on
/// every rank, with what was found and what was expected.

#include <string>
#include <vector>

#include "ncf/checkpoint/manifest.hpp"
#include "ncf/checkpoint/snapshot.hpp"
#include "ncf/comm/communicator.hpp"

namespace ncf {

/// A directory step-… found in a run.
struct FoundCheckpoint {
  std::string path;
  int64_t step = 0;
  std::string problem;  // why it cannot be used; empty: its manifest and all file sizes are right
};

/// All checkpoints of the directory `checkpoints`, newest first; empty when there is no such directory. Not
/// collective.
std::vector<FoundCheckpoint> find_checkpoints(const std::string& checkpoints);

enum class Verify { sizes, digests };

/// Reads and checks the checkpoint in `directory`: manifest and sizes always; with Verify::digests the
/// contents of every file, the files shared among the ranks. Collective.
Manifest open_checkpoint(Communicator& comm, const std::string& directory, Verify verify = Verify::digests);

struct Candidate {
  std::string path;
  Manifest manifest;
  std::vector<std::string> skipped;  // newer ones and why they were passed over, one line each
};

/// The newest checkpoint of the directory `checkpoints` that passes open_checkpoint; path is empty when there
/// is none. Collective.
Candidate newest_checkpoint(Communicator& comm, const std::string& checkpoints,
                            Verify verify = Verify::digests);

/// Fills the views from an opened checkpoint, each rank reading only its own rows. What a view does not ask
/// for (no moments for prediction) is not read; what it asks for must be there, in the same shape.
/// Collective.
void read_checkpoint(Communicator& comm, const std::string& directory, const Manifest& manifest,
                     const MomentNames& moments, const std::vector<TableView>& tables,
                     const std::vector<DenseView>& dense);

/// From model.h5. Not collective.
std::string read_config_yaml(const std::string& directory);
/// `side`: "user" or "item"; the ids of rows 1..n.
Vocabulary read_vocabulary(const std::string& directory, const std::string& side);

}  // namespace ncf
