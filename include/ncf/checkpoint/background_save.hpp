#pragma once
/// Saving beside training. A snapshot is copied in memory; a thread of each rank writes its files while
/// training goes on; when all have written, a thread of rank 0 commits and prunes. Threads do not
/// communicate: how far they are travels as notes with the exchange of each training step, so all ranks take
/// each turn at the same step.
///
///     start(snapshot)            copy, begin, write           [writing]     the last one needs no copy
///     notes() … advance(notes)   all have written: commit     [committing]
///     notes() … advance(notes)   rank 0 is done: outcome      [idle]
///
/// There is never more than one under way.

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "ncf/checkpoint/held_snapshot.hpp"
#include "ncf/checkpoint/prune.hpp"
#include "ncf/checkpoint/write.hpp"
#include "ncf/comm/communicator.hpp"

namespace ncf {

/// What became of a save. The same on every rank.
struct SaveOutcome {
  int64_t step = 0;
  WrittenCheckpoint written;  // when there is no problem
  std::string problem;        // why there is no new checkpoint; those before it stand
  std::string complaint;      // saved, but old ones could not be pruned
  double seconds = 0;         // from start() to durable
};

class BackgroundSave {
 public:
  BackgroundSave(std::string checkpoints, Keep keep);
  ~BackgroundSave();
  BackgroundSave(const BackgroundSave&) = delete;
  BackgroundSave& operator=(const BackgroundSave&) = delete;

  /// Returns as soon as training may change what the snapshot looks at; with an outcome if it failed
  /// already. `last`: nothing will be changed before the save is over, so nothing is copied. None may be
  /// under way. Collective.
  std::optional<SaveOutcome> start(Communicator& comm, const Snapshot& snapshot, bool last = false);

  /// Bit 0: this rank's thread is not done. To be united (or) over all ranks.
  uint64_t notes() const;
  /// Takes the next turn if `united` notes allow it; returns the outcome of a save that is over. Collective
  /// only when it takes a turn, on all ranks alike.
  std::optional<SaveOutcome> advance(Communicator& comm, uint64_t united);
  /// Waits until nothing is under way. Collective.
  std::optional<SaveOutcome> finish(Communicator& comm);

  bool under_way() const { return turn_ != Turn::idle; }
  int64_t memory_bytes() const { return held_.memory_bytes(); }

 private:
  enum class Turn { idle, writing, committing };
  struct Work;  // a thread and what it leaves behind

  std::optional<SaveOutcome> commit(Communicator& comm);
  SaveOutcome conclude(Communicator& comm);
  SaveOutcome give_up(Communicator& comm, const std::string& problem);
  SaveOutcome outcome(const std::string& problem) const;

  std::string checkpoints_;
  Keep keep_;
  HeldSnapshot held_;
  Turn turn_ = Turn::idle;
  std::string partial_;
  Manifest manifest_;
  double started_ = 0;
  std::unique_ptr<Work> work_;
};

}  // namespace ncf
