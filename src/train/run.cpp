// A run: load, train epoch by epoch, evaluate, save. Each stage is a few lines here and a file elsewhere.
#include "ncf/train/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ncf/comm/agreement.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/io/hdf5.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/train/data_digest.hpp"
#include "ncf/train/evaluation.hpp"
#include "ncf/train/init_from.hpp"
#include "ncf/train/overlap_trial.hpp"
#include "ncf/train/placement.hpp"
#include "ncf/train/resume.hpp"
#include "ncf/train/run_directory.hpp"
#include "ncf/train/run_report.hpp"
#include "ncf/train/saving.hpp"
#include "ncf/train/shared_directory.hpp"
#include "ncf/train/telling.hpp"
#include "ncf/train/time_limit.hpp"
#include "ncf/train/tracing.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"
#include "ncf/util/stop_signals.hpp"

namespace ncf {
namespace {

/// Before anything takes long: whether run.dir can be written.
void check_directory(const Config& config) {
  try {
    make_directories(config.run.dir, ErrorKind::usage);
  } catch (const Error& e) {
    throw Error(e.kind(), std::string("run.dir: ") + e.what());
  }
  if (::access(config.run.dir.c_str(), W_OK | X_OK) != 0)
    throw_system_error(ErrorKind::usage, "write into", "run.dir " + config.run.dir, errno);
}

TrainingData load(const Config& config, Communicator& comm, std::string& source, bool& from_text) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const Dataset dataset = load_dataset(config.data, seed, comm, Times::as_split_needs);
  source = dataset.source;
  from_text = dataset.from_text;
  return make_training_data(dataset, config.data, seed, comm);
}

void check_enough(const TrainingData& data, const EpochShape& shape) {
  if (data.train.total == 0)
    throw Error(ErrorKind::data, "no rating is left to train on; a smaller data.valid_fraction may help",
                true);
  if (shape.steps() == 0)
    throw Error(ErrorKind::usage,
                "train.batch_size " + std::to_string(shape.batch_size) + " is larger than the " +
                    std::to_string(shape.total) + " training ratings, and train.drop_last leaves no batch",
                true);
}

std::string model_text(const Config& config, const Learner& learner) {
  const auto& tables = learner.tables();
  const TableShape &user = tables[0].shape(), &item = tables[1].shape();
  std::string text = words_for(config.model);
  if (user.width > 0) text += fmt::format(", embeddings {} + {}", user.width, item.width);
  if (user.gmf_width > 0) text += fmt::format(", multiplied {} × {}", user.gmf_width, item.gmf_width);
  return text;
}

PhaseSeconds over_ranks(Communicator& comm, const PhaseTimer& timer) {
  PhaseSeconds out;
  out.slowest = out.mean = timer.seconds();
  comm.all_reduce_max(std::span<double>(out.slowest));
  comm.all_reduce_sum(std::span<double>(out.mean));
  for (double& s : out.mean) s /= comm.size();
  return out;
}

void add(PhaseSeconds& total, const PhaseSeconds& more) {
  for (std::size_t p = 0; p < total.mean.size(); ++p) {
    total.mean[p] += more.mean[p];
    total.slowest[p] += more.slowest[p];
  }
}

/// Whether checkpoints are begun that are not the last thing a run does.
bool saves_beside_training(const Config& config) {
  const CheckpointConfig& c = config.checkpoint;
  return c.every_steps > 0 || c.every_minutes > 0 ||
         (c.every_epochs > 0 && c.every_epochs < config.train.epochs);
}

/// What a rank tells all others at a step, above the bits of Saving::notes(), below that of Telling.
constexpr uint64_t signal_note = 4;
constexpr uint64_t limit_note = 8;

/// One run with everything it holds.
class Run {
 public:
  Run(const Config& config, Communicator& comm, const RunStart& start)
      : config_(config),
        comm_(comm),
        limit_(config.run),
        from_(look_around(start)),
        tracing_(config.run, comm),
        data_(load(config, comm, source_, from_text_)),
        digest_(data_digest(comm, data_)),
        shape_{data_.train.total, config.train.batch_size, config.train.drop_last},
        threads_(agree_on_threads(comm, config)),
        learner_(make_learner()),
        state_(first_state(start)),
        report_(agreed(comm, [&] { return open_report(); })),
        samples_(shape_, granules(), static_cast<uint64_t>(config.run.seed),
                 EpochSamples::quickest_order(config.model)),
        overlap_(config, comm),
        saving_(config, data_, learner_, report_),
        telling_(config.comm, limit_, report_) {
    if (config.comm.shared_memory) {
      learner_.share_memory(comm);
      samples_.share_memory(comm);
    }
    if (resumed()) saving_.set_last_step(state_.progress.step);
  }

  int train() {
    announce();
    for (int64_t e = state_.progress.epoch + 1; e <= config_.train.epochs; ++e) {
      const uint64_t stop = train_epoch(e);
      if (stop != 0) return this->stop(stop);
    }
    saving_.finish(comm_);
    tracing_.finish(comm_);
    report_end("finished", "");
    return 0;
  }

 private:
  bool resumed() const { return !from_.path.empty(); }

  /// The checkpoint to go on from, if any.
  Candidate look_around(const RunStart& start) {
    agree(comm_, [&] {
      if (comm_.is_root()) check_directory(config_);
    });
    check_shared_directory(comm_, config_.run.dir);
    return start.resume ? find_resume_point(comm_, config_) : Candidate{};
  }

  Granules granules() const { return make_granules(config_.train, comm_.size(), threads_); }

  Learner make_learner() {
    check_enough(data_, shape_);
    const int64_t steps = shape_.steps();
    return agreed(comm_, [&] {
      return Learner(config_, {comm_.rank(), comm_.size()}, granules(), data_.users.size() + 1,
                     data_.items.size() + 1,
                     make_schedule(config_.train, steps * config_.train.epochs, steps), threads_);
    });
  }

  CarriedOn first_state(const RunStart& start) {
    comm_.set_phase("loading a checkpoint");
    if (resumed()) return load_resume_point(comm_, from_, digest_, config_.train, learner_);
    if (!start.init_from.empty()) started_from_ = init_from(comm_, start.init_from, data_, learner_);
    CarriedOn state;
    state.data_digest = digest_;
    return state;
  }

  RunReport open_report() {
    if (!comm_.is_root()) return {config_.run.dir, false};
    if (resumed()) {
      continue_run_directory(config_, state_.progress.epoch);
    } else if (const std::string aside = begin_run_directory(config_); !aside.empty()) {
      log_warning("run.dir " + config_.run.dir + " held an earlier run; it is now in " + aside +
                  " (--resume would have continued it)");
    }
    return {config_.run.dir, true};
  }

  void announce() {
    RunFacts facts;
    facts.model = model_text(config_, learner_);
    facts.source = source_;
    facts.from_text = from_text_;
    facts.libraries =
        fmt::format("{}, oneDNN {}, HDF5 {}", mpi_library_version(), onednn_version(), hdf5_version());
    facts.ranks = comm_.size();
    facts.threads = threads_;
    facts.hosts = comm_.all_gather(host_name());
    facts.users = data_.users.size();
    facts.items = data_.items.size();
    facts.train_rows = data_.train.total;
    facts.valid_rows = data_.valid.total;
    facts.parameters = learner_.parameter_count();
    const auto samples =
        static_cast<int64_t>((data_.train.rows.size() + data_.valid.rows.size()) * sizeof(Sample));
    // A checkpoint that training goes on beside is written from a copy.
    const int64_t needed = (saves_beside_training(config_) ? 2 : 1) * learner_.memory_bytes() + samples;
    facts.rank_bytes = comm_.max(needed);
    for (const std::string& sentence : check_placement(comm_, facts.threads, needed)) log_warning(sentence);
    facts.epochs = config_.train.epochs;
    facts.started_from = started_from_;
    if (resumed()) {
      facts.resumed_from = state_.progress.step;
      const Progress& at = state_.progress;
      facts.started_from =
          from_.path + ": " +
          (at.epoch >= config_.train.epochs
               ? "nothing is left to train"
               : fmt::format("epoch {}, step {} of {}", at.epoch + 1, at.step_in_epoch + 1, shape_.steps()));
    }
    report_.start(facts);
    telling_.begin(comm_, config_.run.dir,
                   {state_.progress.step, shape_.steps() * config_.train.epochs, config_.train.epochs},
                   facts.hosts);
  }

  /// Trains an epoch, or what is left of it, and evaluates. Returns the notes that ask to stop, or 0.
  uint64_t train_epoch(int64_t epoch) {
    // The root reports what was before; that others wait for it meanwhile is no part of their samples' time.
    comm_.set_phase(fmt::format("epoch {} beginning", epoch));
    comm_.barrier();
    const double started = now_s();
    const uint64_t sent_before = comm_.bytes_sent();
    PhaseTimer timer(tracing_.spans());
    LossSum loss;
    if (comm_.is_root()) loss.exact = state_.epoch_loss;
    comm_.set_phase(fmt::format("epoch {} samples", epoch));
    samples_.begin(comm_, data_.train, epoch - 1);
    timer.charge(Phase::samples);
    int64_t rows = 0;
    for (int64_t s = state_.progress.step_in_epoch; s < shape_.steps();) {
      comm_.set_phase(fmt::format("epoch {} step {}", epoch, s + 1));
      const double begun = timer.last_s();
      const auto part = samples_.part(comm_, data_.train, s);
      timer.charge(Phase::samples);
      const uint64_t notes = saving_.notes(comm_) | stop_notes() | telling_.notes(comm_);
      learner_.set_overlap(overlap_.beside());
      const double before = now_s();
      const uint64_t united =
          learner_.step(comm_, part, state_.progress.step + 1, epoch - 1, loss, timer, notes);
      overlap_.after_step(comm_, now_s() - before);
      const int64_t batch = shape_.batch(s++);
      rows += batch;
      state_.progress = {.step = state_.progress.step + 1, .epoch = epoch - 1, .step_in_epoch = s};
      if (comm_.is_root())
        report_.progress(epoch, s, shape_.steps(), static_cast<double>(rows) / (now_s() - started));
      telling_.after_step(comm_, united, state_.progress.step, batch);
      timer.restart();
      const uint64_t stop = united & (signal_note | limit_note);
      const bool due = saving_.after_step(comm_, state_.progress.step, united);
      if (stop != 0 || (due && s < shape_.steps())) save(loss.exact, {}, stop != 0);
      due_at_end_ = due;
      timer.charge(Phase::checkpoint);
      if (tracing_.after_step(comm_, state_.progress.step, begun, timer.last_s())) timer.stop_trace();
      if (stop != 0) return stop;
    }
    const double trained = comm_.max(now_s() - started);
    learner_.catch_up_all(state_.progress.step);
    finish_epoch(epoch, loss.exact, static_cast<double>(rows) / trained, started, sent_before, timer);
    return 0;
  }

  void finish_epoch(int64_t epoch, const ExactSum& loss, double samples_per_s, double started,
                    uint64_t sent_before, PhaseTimer& timer) {
    EpochFacts facts;
    facts.epoch = epoch;
    facts.step = state_.progress.step;
    facts.train_loss = global_mean(comm_, loss, std::min(shape_.total, shape_.steps() * shape_.batch_size));
    facts.lr = learner_.schedule().at(state_.progress.step - 1).lr;
    facts.samples_per_s = samples_per_s;
    comm_.set_phase(fmt::format("epoch {} evaluation", epoch));
    telling_.state("evaluating");
    facts.valid = evaluate(epoch, timer);
    telling_.state("training");
    facts.bytes_sent =
        static_cast<uint64_t>(comm_.sum(static_cast<int64_t>(comm_.bytes_sent() - sent_before)));
    facts.phases = over_ranks(comm_, timer);
    facts.seconds = now_s() - started;
    add(total_, facts.phases);
    report_.epoch(facts);

    state_.progress = {.step = state_.progress.step, .epoch = epoch, .step_in_epoch = 0};
    state_.epoch_loss = {};
    const bool due = due_at_end_ || saving_.due_after_epoch(epoch) || epoch == config_.train.epochs;
    due_at_end_ = false;
    if (!due) return;
    PhaseTimer saving(tracing_.spans());
    save({}, facts.valid ? std::optional(facts.valid->mse) : std::nullopt, epoch == config_.train.epochs);
    saving.charge(Phase::checkpoint);
    add(total_, over_ranks(comm_, saving));
  }

  std::optional<RatingMetrics> evaluate(int64_t epoch, PhaseTimer& timer) {
    const bool due = epoch % config_.eval.every_epochs == 0 || epoch == config_.train.epochs;
    if (!due || data_.valid.total == 0) return {};
    timer.restart();
    const RatingMetrics metrics = evaluate_ratings(comm_, learner_, data_.valid);
    timer.charge(Phase::evaluate);
    if (!state_.best_mse || metrics.mse < *state_.best_mse) state_.best_mse = metrics.mse;
    return metrics;
  }

  /// `loss`: this rank's part of that of the epoch under way.
  void save(const ExactSum& loss, std::optional<double> valid_mse, bool last) {
    comm_.set_phase("checkpoint");
    telling_.state("saving");
    state_.epoch_loss = global_sum(comm_, loss);
    saving_.begin(comm_, state_, valid_mse, last);
    telling_.state("training");
  }

  uint64_t stop_notes() const {
    const uint64_t signal = StopSignals::caught() != 0 ? signal_note : 0;
    return limit_.is_near(saving_.longest_s()) ? signal | limit_note : signal;
  }

  int stop(uint64_t notes) {
    saving_.finish(comm_);
    tracing_.finish(comm_);
    const auto signals = comm_.all_gather(StopSignals::caught());
    const auto first = std::ranges::find_if(signals, [](int s) { return s != 0; });
    const bool by_signal = (notes & signal_note) != 0 && first != signals.end();
    const std::string why = by_signal
                                ? fmt::format("{} on rank {}", signal_name(*first), first - signals.begin())
                                : limit_.name();
    report_end(by_signal ? "signal" : "time_limit",
               fmt::format("stopped after step {} of {} by {}; --resume goes on from there",
                           state_.progress.step, shape_.steps() * config_.train.epochs, why));
    return static_cast<int>(ErrorKind::stopped);
  }

  void report_end(const std::string& reason, const std::string& advice) {
    report_.phases(total_);
    report_.end(reason, now_s() - started_, state_.best_mse, advice);
    telling_.end(reason);
  }

  const Config& config_;
  Communicator& comm_;
  const double started_ = now_s();
  const StopSignals signals_;
  const TimeLimit limit_;
  bool from_text_ = false;
  std::string source_, started_from_;  // filled while the members below are made
  const Candidate from_;
  Tracing tracing_;
  const TrainingData data_;
  const std::string digest_;
  const EpochShape shape_;
  const int64_t threads_;
  Learner learner_;
  CarriedOn state_;
  RunReport report_;
  EpochSamples samples_;
  OverlapTrial overlap_;
  Saving saving_;
  Telling telling_;
  PhaseSeconds total_;
  bool due_at_end_ = false;  // with the last step done; that of an epoch is saved after its evaluation
};

}  // namespace

int run_training(const Config& config, Communicator& comm, const RunStart& start) {
  // Before anything takes long:
  make_granules(config.train, comm.size());
  agree(comm, [&] { check_precision(config.train); });
  return Run(config, comm, start).train();
}

}  // namespace ncf
