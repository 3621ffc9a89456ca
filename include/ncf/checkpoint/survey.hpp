#pragma once
/// What a checkpoint holds and all that is wrong with it. Where open_checkpoint stops at the first fault,
/// this goes on, and explains. Faults are results here, not errors.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ncf/checkpoint/manifest.hpp"
#include "ncf/checkpoint/read.hpp"
#include "ncf/comm/communicator.hpp"

namespace ncf {

struct Fault {
  std::string file;      // in the checkpoint's directory; empty: the directory itself
  std::string problem;   // "is missing"
  std::string expected;  // size, digest, owner; empty where there is nothing to compare
  std::string found;
};

struct ParameterRecord {
  std::string path;  // "/mlp/0/weight"
  std::vector<int64_t> shape;
};

struct CheckpointSurvey {
  std::string path;
  int64_t step = 0;                  // of its name
  std::optional<Manifest> manifest;  // none: missing or damaged
  std::vector<FileRecord> files;     // the manifest's; without one, those that are there, without digests
  std::vector<std::string> strays;   // in the directory, but not of the checkpoint
  std::string config_yaml;           // empty: model.h5 cannot be read
  std::vector<ParameterRecord> parameters;  // dense ones, without moments
  int64_t users = -1, items = -1;           // sizes of the vocabularies; -1: not known
  bool digests_checked = false;
  std::vector<Fault> faults;        // at most one a file
  std::vector<std::string> advice;  // what can still be done, when there are faults

  bool intact() const { return faults.empty(); }
};

/// The result is the root's; other ranks share the work of digests, a file at a time. Collective.
CheckpointSurvey survey_checkpoint(Communicator& comm, const std::string& directory, Verify verify);

/// A directory `checkpoints`.
struct CheckpointsSurvey {
  std::string path;
  std::vector<CheckpointSurvey> checkpoints;  // newest first
  std::vector<std::string> leftovers;         // names of saves and removals that were cut short
  std::string latest, best;                   // what the links say; empty: no link
  std::string resume_from;                    // the newest intact one; empty: none
};
/// The result is the root's. A directory that is not there has nothing in it. Collective.
CheckpointsSurvey survey_checkpoints(Communicator& comm, const std::string& checkpoints, Verify verify);

/// The newest intact checkpoint beside this one; empty: none. The result is the root's. Collective.
std::string intact_sibling(Communicator& comm, const std::string& directory, Verify verify);

}  // namespace ncf
