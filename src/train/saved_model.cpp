#include "ncf/train/saved_model.hpp"

#include <algorithm>
#include <array>

#include "ncf/comm/agreement.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/config/threads.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/train/learner_views.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

constexpr auto kind = ErrorKind::checkpoint;

/// Keys that tell one model from another but need not show in the shapes of its parameters.
void check_model(Config stored, Config asked, const Places& places, const std::string& directory) {
  constexpr std::array keys = {"model.kind", "model.hidden", "model.y_range", "model.batch_norm"};
  const Fields there(stored), here(asked);
  for (const char* key : keys) {
    const std::string has = there.find(key)->write(), wants = here.find(key)->write();
    const auto place = places.find(key);
    if (has != wants && place != places.end())
      throw Error(kind, directory + ": is of another model: its " + key + " is " + has + ", " +
                            place->second + " asks for " + wants);
  }
}

int64_t rows_of(const Candidate& from, const std::string& name) {
  const auto& tables = from.manifest.tables;
  const auto found = std::ranges::find(tables, name, &TableRecord::name);
  if (found == tables.end()) throw Error(kind, from.path + ": has no table " + name);
  return found->rows;
}

/// A checkpoint from within an epoch has rows that miss weight decay, and how much is a matter of the
/// schedule, which stretches with the epochs' length.
Schedule schedule_of(const Candidate& from, const TrainConfig& config) {
  const auto found = from.manifest.extra.find("steps_per_epoch");
  if (found == from.manifest.extra.end())
    throw Error(kind, from.path + ": does not tell its steps_per_epoch (extra, in manifest.json)");
  const auto steps = static_cast<int64_t>(found->second);
  return make_schedule(config, std::max(steps * config.epochs, from.manifest.progress.step), steps);
}

/// Weights, up to which step they are moved, and the moments where those move a row without a sample.
std::vector<TableView> weights_of(Learner& learner, const TrainConfig& config) {
  auto views = table_views(learner, config);
  if (config.embedding_update == EmbeddingUpdate::lazy)
    for (TableView& v : views) v.first_moment = v.second_moment = {};
  return views;
}

std::vector<DenseView> dense_values_of(Learner& learner, const TrainConfig& config) {
  auto views = dense_views(learner, config);
  for (DenseView& v : views) v.first_moment = v.second_moment = {};
  return views;
}

}  // namespace

LoadedConfig saved_config(Communicator& comm, const std::string& directory, const Overrides& overrides) {
  LoadedConfig loaded;
  agree(comm, [&] {
    if (!comm.is_root()) return;
    const std::string yaml = read_config_yaml(directory), source = directory + "/model.h5";
    Config stored;
    try {
      stored = config_from_yaml(yaml, source).config;
    } catch (const Error& e) {
      throw Error(kind, directory + ": its configuration cannot be used: " + e.what());
    }
    loaded = load_config_over(yaml, source, overrides.file, overrides.keys);
    check_model(stored, loaded.config, loaded.places, directory);
  });
  // Only the root has places; the configuration itself is everybody's.
  loaded.config = config_from_yaml(comm.broadcast(to_yaml(loaded.config), 0), "rank 0").config;
  return loaded;
}

SavedModel load_saved_model(Communicator& comm, const Candidate& from, const Config& config) {
  SavedModel model = agreed(comm, [&] {
    check_precision(config.train);
    return SavedModel{read_vocabulary(from.path, "user"), read_vocabulary(from.path, "item"),
                      Learner(config, {comm.rank(), comm.size()}, Granules::of_each_rank(comm.size()),
                              rows_of(from, "user"), rows_of(from, "item"), schedule_of(from, config.train),
                              resolve_threads(config.run, comm.node_size()))};
  });
  read_checkpoint(comm, from.path, from.manifest, moment_names(config.train),
                  weights_of(model.learner, config.train), dense_values_of(model.learner, config.train));
  model.learner.catch_up_all(from.manifest.progress.step);
  return model;
}

}  // namespace ncf
