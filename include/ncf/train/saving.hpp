#pragma once
/// Checkpoints of a run: when one is due, what goes into it, and what is said about what became of it.

#include <cstdint>
#include <optional>
#include <string>

#include "ncf/checkpoint/background_save.hpp"
#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/learner.hpp"
#include "ncf/train/resume.hpp"
#include "ncf/train/run_report.hpp"

namespace ncf {

class Saving {
 public:
  Saving(const Config& config, const TrainingData& data, Learner& learner, RunReport& report);

  /// Bits to be told to all ranks with the next step (bits 0 and 1): the save under way is not written yet;
  /// by this rank's clock the next one is due.
  uint64_t notes(Communicator& comm) const;
  /// After each step, with the notes of all ranks: moves on the save under way. Whether a checkpoint is due
  /// in the middle of an epoch. Collective.
  bool after_step(Communicator& comm, int64_t step, uint64_t united);
  bool due_after_epoch(int64_t epoch) const;

  /// Begins a checkpoint; training may go on at once. `valid_mse` is the metric by which `best` is chosen, if
  /// the model was evaluated as it is. `last`: no step follows, so nothing is copied. Throws Error{diverged}
  /// when a value is not finite, and Error{checkpoint} for a failure where checkpoint.required. Collective.
  void begin(Communicator& comm, const CarriedOn& state, std::optional<double> valid_mse, bool last);
  /// Waits until nothing is under way. Throws Error{checkpoint} when the last checkpoint begun could not be
  /// written. Collective.
  void finish(Communicator& comm);

  /// Where the last checkpoint is and how long the longest took; of this run of the program.
  const std::string& last_path() const { return last_path_; }
  double longest_s() const { return longest_s_; }
  /// The step of the last checkpoint begun.
  std::optional<int64_t> last_step() const { return last_step_; }
  void set_last_step(int64_t step) { last_step_ = step; }
  int64_t memory_bytes() const { return save_.memory_bytes(); }

 private:
  void conclude(const std::optional<SaveOutcome>& outcome);
  Snapshot snapshot(const CarriedOn& state) const;

  const Config& config_;
  const TrainingData& data_;
  Learner& learner_;
  RunReport& report_;
  BackgroundSave save_;
  double begun_ = 0;  // when the last one was, by now_s()
  double waited_ = 0;
  double longest_s_ = 0;
  bool warned_ = false;
  std::string failure_;  // of the last one, if it failed
  std::string last_path_;
  std::optional<int64_t> last_step_;
};

}  // namespace ncf
