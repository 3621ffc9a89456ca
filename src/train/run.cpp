// A run: load, train epoch by epoch, evaluate, save. Each stage is a few lines here and a file elsewhere.
#include "ncf/train/run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "ncf/checkpoint/write.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/config/threads.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/train/learner_views.hpp"
#include "ncf/train/run_report.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/version.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

/// RUN/ and RUN/config.yaml, before anything takes long. Root only.
void prepare_directory(const Config& config) {
  std::error_code failed;
  fs::create_directories(config.run.dir, failed);
  if (failed)
    throw Error(ErrorKind::usage, "run.dir: " + config.run.dir + " cannot be made: " + failed.message());
  const std::string path = config.run.dir + "/config.yaml";
  std::ofstream out(path + ".partial");
  out << to_yaml(config);
  out.close();
  if (out) fs::rename(path + ".partial", path, failed);
  if (!out || failed) throw Error(ErrorKind::usage, "run.dir: " + path + " cannot be written");
}

TrainingData load(const Config& config, Communicator& comm, std::string& source) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const Dataset dataset = load_dataset(config.data, seed, comm);
  source = dataset.source;
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
  std::string text = config.model.kind == ModelKind::dot
                         ? "dot product with biases"
                         : fmt::format("neural [{}]", fmt::join(config.model.hidden, ", "));
  return text + fmt::format(", embeddings {} + {}", tables[0].shape().width, tables[1].shape().width);
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

/// One run with everything it holds.
class Run {
 public:
  Run(const Config& config, Communicator& comm)
      : config_(config),
        comm_(comm),
        report_(agreed(comm, [&] { return open_report(); })),
        data_(load(config, comm, source_)),
        shape_{data_.train.total, config.train.batch_size, config.train.drop_last},
        learner_(make_learner()),
        samples_(shape_, static_cast<uint64_t>(config.run.seed)) {}

  void train() {
    const double started = now_s();
    announce();
    for (int64_t e = 1; e <= config_.train.epochs; ++e) train_epoch(e);
    save();
    report_.phases(total_);
    report_.end("finished", now_s() - started, best_);
  }

 private:
  RunReport open_report() {
    if (comm_.is_root()) prepare_directory(config_);
    return RunReport(config_.run.dir, comm_.is_root());
  }

  Learner make_learner() {
    check_enough(data_, shape_);
    const int64_t steps = shape_.steps();
    return agreed(comm_, [&] {
      return Learner(config_, {comm_.rank(), comm_.size()}, data_.users.size() + 1, data_.items.size() + 1,
                     make_schedule(config_.train, steps * config_.train.epochs, steps));
    });
  }

  void announce() {
    RunFacts facts;
    facts.model = model_text(config_, learner_);
    facts.source = source_;
    facts.ranks = comm_.size();
    facts.threads = resolve_threads(config_.run, comm_.node_size());
    facts.hosts = comm_.all_gather(host_name());
    facts.users = data_.users.size();
    facts.items = data_.items.size();
    facts.train_rows = data_.train.total;
    facts.valid_rows = data_.valid.total;
    facts.parameters = learner_.parameter_count();
    const auto samples =
        static_cast<int64_t>((2 * data_.train.rows.size() + data_.valid.rows.size()) * sizeof(Sample));
    facts.rank_bytes = comm_.max(learner_.memory_bytes() + samples);
    facts.epochs = config_.train.epochs;
    set_compute_threads(facts.threads);
    report_.start(facts);
  }

  void train_epoch(int64_t epoch) {
    const double started = now_s();
    const uint64_t sent_before = comm_.bytes_sent();
    PhaseTimer timer;
    LossSum loss;
    timer.restart();
    samples_.fetch(comm_, data_.train, epoch - 1);
    timer.charge(Phase::samples);
    int64_t rows = 0;
    for (int64_t s = 0; s < shape_.steps(); ++s) {
      learner_.step(comm_, samples_.part(s), ++step_, epoch - 1, loss, timer);
      rows += shape_.batch(s);
      if (comm_.is_root())
        report_.progress(epoch, s + 1, shape_.steps(), static_cast<double>(rows) / (now_s() - started));
    }
    const double trained = comm_.max(now_s() - started);

    EpochFacts facts;
    facts.epoch = epoch;
    facts.step = step_;
    facts.train_loss = global_mean(comm_, loss.exact, rows);
    facts.lr = learner_.schedule().at(step_ - 1).lr;
    facts.samples_per_s = static_cast<double>(rows) / trained;
    facts.valid = evaluate(epoch, timer);
    facts.bytes_sent =
        static_cast<uint64_t>(comm_.sum(static_cast<int64_t>(comm_.bytes_sent() - sent_before)));
    facts.phases = over_ranks(comm_, timer);
    facts.seconds = now_s() - started;
    add(total_, facts.phases);
    report_.epoch(facts);
  }

  std::optional<RatingMetrics> evaluate(int64_t epoch, PhaseTimer& timer) {
    const bool due = epoch % config_.eval.every_epochs == 0 || epoch == config_.train.epochs;
    if (!due || data_.valid.total == 0) return {};
    timer.restart();
    learner_.catch_up_all(step_);
    const RatingMetrics metrics = evaluate_ratings(comm_, learner_, data_.valid);
    timer.charge(Phase::evaluate);
    if (!best_ || metrics.mse < *best_) best_ = metrics.mse;
    return metrics;
  }

  void save() {
    PhaseTimer timer;
    const double started = now_s();
    learner_.catch_up_all(step_);
    Snapshot snapshot;
    snapshot.progress = {.step = step_, .epoch = config_.train.epochs, .step_in_epoch = 0};
    snapshot.seed = static_cast<uint64_t>(config_.run.seed);
    snapshot.config_yaml = to_yaml(config_);
    snapshot.program_version = version();
    if (best_) snapshot.extra["best_mse"] = *best_;
    snapshot.users = &data_.users;
    snapshot.items = &data_.items;
    snapshot.moments = moment_names(config_.train);
    snapshot.tables = table_views(learner_, config_.train);
    snapshot.dense = dense_views(learner_, config_.train);
    const WrittenCheckpoint written = write_checkpoint(comm_, config_.run.dir + "/checkpoints", snapshot);
    timer.charge(Phase::checkpoint);
    add(total_, over_ranks(comm_, timer));
    report_.checkpoint(step_, written.path, now_s() - started, written.bytes);
  }

  const Config& config_;
  Communicator& comm_;
  RunReport report_;
  std::string source_;
  TrainingData data_;
  EpochShape shape_;
  Learner learner_;
  EpochSamples samples_;
  int64_t step_ = 0;
  std::optional<double> best_;
  PhaseSeconds total_;
};

}  // namespace

int run_training(const Config& config, Communicator& comm) {
  Run(config, comm).train();
  return 0;
}

}  // namespace ncf
