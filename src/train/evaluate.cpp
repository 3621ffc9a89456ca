#include "ncf/train/evaluate.hpp"

#include <algorithm>

#include "ncf/checkpoint/choose.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/config/check.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/ingest/known_samples.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"
#include "ncf/train/data_digest.hpp"
#include "ncf/train/resume.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

/// Keys of the command line that make no difference here. Files may serve training too.
void warn_of_idle_keys(const Overrides& overrides, bool given_ratings) {
  for (const Assignment& a : overrides.keys) {
    const auto starts = [&](const char* what) { return a.key.starts_with(what); };
    const bool data = starts("data.format") || starts("data.csv") || starts("data.duplicates") ||
                      a.key == "data" || (starts("data.") && !given_ratings);
    const bool seed = a.key == "run.seed" && !given_ratings;
    if (!data && !seed && !starts("model") && !starts("comm") && a.key != "run" && a.key != "run.threads" &&
        a.key != "train.reproducible")
      log_warning(a.key + " (command line) has no effect on an evaluation" +
                  (given_ratings ? " of given ratings" : ""));
  }
}

/// Ratings that moved since training are the likely mistake.
Dataset load_own(const LoadedConfig& loaded, Communicator& comm) {
  const Config& config = loaded.config;
  const bool stored =
      comm.max(int64_t{loaded.places.contains("data.path") || config.data.path.empty() ? 1 : 0}) == 0;
  try {
    return load_dataset(config.data, static_cast<uint64_t>(config.run.seed), comm, Times::as_split_needs);
  } catch (const Error& e) {
    if (!e.agreed() || e.kind() != ErrorKind::data || !stored) throw;
    throw Error(e.kind(),
                std::string(e.what()) +
                    "; this is the data.path that the checkpoint was trained with, --data.path gives another",
                true);
  }
}

Samples own_samples(const LoadedConfig& loaded, const Candidate& from, const SavedModel& model,
                    Communicator& comm) {
  const Config& config = loaded.config;
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const Dataset dataset = load_own(loaded, comm);
  const std::string trained_with = carried(from.manifest).data_digest;
  TrainingData data = make_training_data(dataset, config.data, seed, comm);
  if (data_digest(comm, data) == trained_with) return std::move(data.valid);
  log_warning("these are not the ratings, or not the split, that " + from.path + " was trained with");
  return known_samples(dataset, chosen_to_validate(dataset, config.data, seed, comm), model.users,
                       model.items, comm);
}

/// How the given ratings are read: the root's keys, on every rank.
DataConfig given_data(const EvaluateRequest& request, Communicator& comm) {
  Config config;
  agree(comm, [&] {
    if (!comm.is_root()) return;
    const LoadedConfig own = read_keys(request.overrides.file, request.overrides.keys);
    const auto path = own.places.find("data.path");
    if (path != own.places.end() && path->second == "command line")
      throw Error(ErrorKind::usage, "command line: --ratings and --data.path both name ratings; give one");
    config.data = own.config.data;
    config.data.path = request.ratings;
    config.data.split = SplitKind::random;
    config.data.valid_path.clear();
    check(config, own.places);
  });
  return config_from_yaml(comm.broadcast(to_yaml(config), 0), "rank 0").config.data;
}

Samples given_samples(const EvaluateRequest& request, const SavedModel& model, Communicator& comm) {
  const Dataset dataset = load_dataset(given_data(request, comm), 0, comm, Times::as_split_needs);
  const std::vector<uint8_t> all(static_cast<std::size_t>(dataset.part.rows()), 1);
  return known_samples(dataset, all, model.users, model.items, comm);
}

}  // namespace

EvaluateResult evaluate(const EvaluateRequest& request, Communicator& comm) {
  comm.set_phase("loading a checkpoint");
  const Candidate from = choose_checkpoint(comm, request.checkpoint);
  for (const std::string& reason : from.skipped) log_warning("checkpoint passed over: " + reason);
  const LoadedConfig loaded = saved_config(comm, from.path, request.overrides);
  warn_of_idle_keys(request.overrides, !request.ratings.empty());
  SavedModel model = load_saved_model(comm, from, loaded.config);
  comm.set_phase("loading ratings");
  const Samples samples =
      request.ratings.empty() ? own_samples(loaded, from, model, comm) : given_samples(request, model, comm);
  if (samples.total == 0)
    throw Error(ErrorKind::data,
                "no rating to evaluate on: the validation part is empty (data.split, data.valid_fraction)",
                true);
  comm.set_phase("evaluation");
  EvaluateResult result{.checkpoint = from.path,
                        .step = from.manifest.progress.step,
                        .metrics = evaluate_ratings(comm, model.learner, samples),
                        .unknown_rows = 0};
  result.unknown_rows = comm.sum(
      std::ranges::count_if(samples.rows, [](const Sample& s) { return s.user == 0 || s.item == 0; }));
  return result;
}

}  // namespace ncf
