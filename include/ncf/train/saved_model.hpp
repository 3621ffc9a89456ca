#pragma once
/// A model out of a checkpoint, ready to predict, on any number of ranks.

#include <string>
#include <vector>

#include "ncf/checkpoint/read.hpp"
#include "ncf/comm/communicator.hpp"
#include "ncf/config/load.hpp"
#include "ncf/data/vocabulary.hpp"
#include "ncf/train/learner.hpp"

namespace ncf {

/// Keys to be laid over a checkpoint's own configuration.
struct Overrides {
  std::string file;  // --config; empty: none
  std::vector<Assignment> keys;
};

/// The configuration of the checkpoint in `directory` with these keys over it, the root's on every rank. Only
/// keys that are not the checkpoint's have a place. Errors, the same on every rank: those of the keys;
/// Error{checkpoint} when the stored configuration cannot be read, or when a key asks for another model than
/// the checkpoint has. Collective.
LoadedConfig saved_config(Communicator& comm, const std::string& directory, const Overrides& overrides);

struct SavedModel {
  Vocabulary users, items;  // model row = index + 1
  Learner learner;          // without moments; its rows are caught up
};

/// Loads an opened checkpoint, each rank reading only its own rows. `config` is from saved_config. Sets the
/// threads that compute as in training. Errors, the same on every rank: Error{checkpoint}. Collective.
SavedModel load_saved_model(Communicator& comm, const Candidate& from, const Config& config);

}  // namespace ncf
