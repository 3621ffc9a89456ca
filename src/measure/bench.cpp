#include "ncf/measure/bench.hpp"

#include "ncf/comm/agreement.hpp"
#include "ncf/config/threads.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"
#include "ncf/measure/popularity.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/train/evaluation.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

TrainingData load(const Config& config, Communicator& comm, std::string& source) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const Dataset dataset = load_dataset(config.data, seed, comm, Times::as_split_needs);
  source = dataset.source;
  return make_training_data(dataset, config.data, seed, comm);
}

/// The same steps at a small constant rate: nobody wants what is learned, and it must not diverge.
Config steady(Config config) {
  config.train.schedule = ScheduleKind::constant;
  config.train.lr = 1e-5;
  return config;
}

}  // namespace

BenchResult bench(const Config& config, Communicator& comm, BenchLength length, bool overlap) {
  agree(comm, [&] { check_precision(config.train); });
  BenchResult result;
  result.threads = agree_on_threads(comm, config);

  const TrainingData data = load(config, comm, result.source);
  const EpochShape shape{data.train.total, config.train.batch_size, true};
  if (shape.steps() == 0)
    throw Error(ErrorKind::usage,
                "train.batch_size " + std::to_string(shape.batch_size) + " is larger than the " +
                    std::to_string(shape.total) + " training ratings: there is no whole step to measure",
                true);
  const int64_t user_rows = data.users.size() + 1, item_rows = data.items.size() + 1;
  result.work = step_work(config, comm.size(), user_rows, item_rows);
  set_unique_rows(result.work, popularity_of(data, comm));

  const Granules granules = make_granules(config.train, comm.size(), result.threads);
  const auto fresh_learner = [&] {
    return agreed(comm, [&] {
      return Learner(steady(config), {comm.rank(), comm.size()}, granules, user_rows, item_rows,
                     make_schedule(steady(config).train, most_steps, shape.steps()), result.threads);
    });
  };
  EpochSamples samples(shape, granules, static_cast<uint64_t>(config.run.seed),
                       EpochSamples::quickest_order(config.model));
  const auto next = [&](int64_t step) {
    if (step % shape.steps() == 0) samples.begin(comm, data.train, step / shape.steps());
    return samples.part(comm, data.train, step % shape.steps());
  };
  if (overlap && comm.size() > 1) {
    Learner learner = fresh_learner();
    result.overlap = time_overlap(comm, learner, next, shape.batch_size, length.seconds);
  }
  OverlapTrial trial(config, comm);  // as a run makes
  if (trial.trying()) {
    Learner learner = fresh_learner();
    finish_trial(comm, learner, next, trial);
  }
  Learner learner = fresh_learner();
  learner.set_overlap(trial.beside());
  if (config.comm.shared_memory) {
    learner.share_memory(comm);
    samples.share_memory(comm);
  }
  result.parameters = learner.parameter_count();
  result.work.parts = learner.parts(shape.batch_size);
  result.times = time_steps(comm, learner, next, length.seconds, length.least);

  result.evaluated = data.valid.total;
  if (data.valid.total > 0) {
    comm.barrier();
    const double begin = now_s();
    evaluate_ratings(comm, learner, data.valid);
    result.evaluate_s = comm.max(now_s() - begin);
  }
  return result;
}

}  // namespace ncf
