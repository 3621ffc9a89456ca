#include "ncf/train/saving.hpp"

#include "ncf/comm/agreement.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/train/learner_views.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"
#include "ncf/util/version.hpp"

namespace ncf {
namespace {

constexpr const char* metric_name = "valid_mse";
constexpr uint64_t due_note = 2;

Keep keep(const CheckpointConfig& c) {
  return {.last = c.keep_last, .best = c.keep_best, .metric = metric_name};
}

}  // namespace

Saving::Saving(const Config& config, const TrainingData& data, Learner& learner, RunReport& report)
    : config_(config),
      data_(data),
      learner_(learner),
      report_(report),
      save_(config.run.dir + "/checkpoints", keep(config.checkpoint)),
      begun_(now_s()) {}

uint64_t Saving::notes(Communicator& comm) const {
  const double every_s = config_.checkpoint.every_minutes * 60;
  // Clocks differ: rank 0's decides.
  const bool due = comm.is_root() && every_s > 0 && now_s() - begun_ >= every_s;
  return save_.notes() | (due ? due_note : 0);
}

bool Saving::after_step(Communicator& comm, int64_t step, uint64_t united) {
  const double started = now_s();
  if (const auto outcome = save_.advance(comm, united)) {
    waited_ += now_s() - started;
    conclude(outcome);
  }
  const int64_t every = config_.checkpoint.every_steps;
  return (every > 0 && step % every == 0) || (united & due_note) != 0;
}

bool Saving::due_after_epoch(int64_t epoch) const {
  const int64_t every = config_.checkpoint.every_epochs;
  return every > 0 && epoch % every == 0;
}

Snapshot Saving::snapshot(const CarriedOn& state) const {
  Snapshot s;
  carry(state, s);
  const EpochShape shape{data_.train.total, config_.train.batch_size, config_.train.drop_last};
  s.extra["steps_per_epoch"] = static_cast<double>(shape.steps());
  s.seed = static_cast<uint64_t>(config_.run.seed);
  s.config_yaml = to_yaml(config_);
  s.program_version = version();
  s.users = &data_.users;
  s.items = &data_.items;
  s.moments = moment_names(config_.train);
  s.tables = table_views(learner_, config_.train);
  s.dense = dense_views(learner_, config_.train);
  return s;
}

void Saving::begin(Communicator& comm, const CarriedOn& state, std::optional<double> valid_mse, bool last) {
  const double started = now_s();
  conclude(save_.finish(comm));
  Snapshot s = snapshot(state);
  if (valid_mse) s.extra[metric_name] = *valid_mse;
  agree(comm, [&] {
    const std::string first = first_not_finite(s);
    if (!first.empty())
      throw Error(ErrorKind::diverged, first + " holds values that are not finite after step " +
                                           std::to_string(state.progress.step) +
                                           "; no checkpoint is written, the last one is from before");
  });
  begun_ = started;
  last_step_ = state.progress.step;
  failure_.clear();
  const auto outcome = save_.start(comm, s, last);
  waited_ = now_s() - started;
  conclude(outcome);
}

void Saving::finish(Communicator& comm) {
  const double started = now_s();
  const auto outcome = save_.finish(comm);
  waited_ += now_s() - started;
  conclude(outcome);
  if (!failure_.empty())
    throw Error(ErrorKind::checkpoint,
                "the last checkpoint could not be written: " + failure_ +
                    (last_path_.empty() ? "; there is none of this run" : "; the newest is " + last_path_),
                true);
}

void Saving::conclude(const std::optional<SaveOutcome>& outcome) {
  if (!outcome) return;
  longest_s_ = std::max(longest_s_, outcome->seconds);
  if (outcome->problem.empty()) {
    last_path_ = outcome->written.path;
    warned_ = false;
    report_.checkpoint(outcome->step, last_path_, outcome->seconds, waited_, outcome->written.bytes);
    if (!outcome->complaint.empty())
      log_warning("old checkpoints could not all be removed: " + outcome->complaint);
    return;
  }
  failure_ = outcome->problem;
  if (config_.checkpoint.required)
    throw Error(ErrorKind::checkpoint,
                "the checkpoint of step " + std::to_string(outcome->step) +
                    " could not be written: " + failure_ + " (checkpoint.required)",
                true);
  if (!warned_)
    log_warning("the checkpoint of step " + std::to_string(outcome->step) +
                " could not be written: " + failure_ + "; training goes on, what was saved before stays");
  warned_ = true;
}

}  // namespace ncf
