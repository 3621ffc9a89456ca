#include "ncf/train/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "ncf/comm/agreement.hpp"
#include "ncf/config/load.hpp"
#include "ncf/train/learner_views.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

/// What may differ between a checkpoint and the run that goes on from it.
enum class Change { free, told, refused };

Change change_of(const std::string& key) {
  constexpr std::array refused = {"model.",          "run.seed",        "train.batch_size",
                                  "train.drop_last", "train.optimizer", "train.embedding_update"};
  // The digest of the data decides, not where they are and how they are read.
  constexpr std::array free = {"run.", "data.", "eval.", "comm.", "checkpoint.", "train.epochs"};
  const auto among = [&](const auto& keys) {
    return std::ranges::any_of(keys, [&](const char* k) {
      return std::string_view(k).ends_with('.') ? key.starts_with(k) : key == k;
    });
  };
  if (among(refused)) return Change::refused;
  return among(free) ? Change::free : Change::told;
}

void check_fit(const Config& now, const std::string& directory) {
  Config then = [&] {
    try {
      return config_from_yaml(read_config_yaml(directory), directory + "/model.h5").config;
    } catch (const Error& e) {
      throw Error(ErrorKind::checkpoint, directory + ": its configuration cannot be used: " + e.what());
    }
  }();
  Config copy = now;
  const Fields here(copy), there(then);
  for (std::size_t k = 0; k < here.all().size(); ++k) {
    const std::string& key = here.all()[k].key;
    const std::string value = here.all()[k].write(), before = there.all()[k].write();
    if (value == before) continue;
    const std::string both = key + " is " + value + ", and was " + before + " in " + directory;
    if (change_of(key) == Change::refused)
      throw Error(ErrorKind::checkpoint,
                  both + ": a run cannot change that and go on. Give " + before +
                      ", or start a run of its own without --resume (--init-from takes over the weights)");
    if (change_of(key) == Change::told) log_warning(both);
  }
}

constexpr const char* best_name = "best_mse";
constexpr const char* loss_name = "epoch_loss";
constexpr const char* data_name = "data_digest";

}  // namespace

void carry(const CarriedOn& state, Snapshot& snapshot) {
  snapshot.progress = state.progress;
  if (state.best_mse) snapshot.extra[best_name] = *state.best_mse;
  snapshot.extra_text[loss_name] = fmt::format("{}", fmt::join(state.epoch_loss.limbs(), " "));
  snapshot.extra_text[data_name] = state.data_digest;
}

CarriedOn carried(const Manifest& manifest) {
  CarriedOn state;
  state.progress = manifest.progress;
  if (const auto best = manifest.extra.find(best_name); best != manifest.extra.end())
    state.best_mse = best->second;
  if (const auto data = manifest.extra_text.find(data_name); data != manifest.extra_text.end())
    state.data_digest = data->second;
  std::array<int64_t, 5> limbs{};
  if (const auto loss = manifest.extra_text.find(loss_name); loss != manifest.extra_text.end()) {
    std::istringstream in(loss->second);
    for (int64_t& limb : limbs) in >> limb;
  }
  state.epoch_loss = ExactSum::from_limbs(limbs);
  return state;
}

Candidate find_resume_point(Communicator& comm, const Config& config) {
  const std::string directory = config.run.dir + "/checkpoints";
  Candidate found = newest_checkpoint(comm, directory);
  for (const std::string& reason : found.skipped) log_warning("checkpoint passed over: " + reason);
  if (found.path.empty() && !found.skipped.empty())
    throw Error(ErrorKind::checkpoint,
                "none of the " + std::to_string(found.skipped.size()) + " checkpoints of " + directory +
                    " can be used; without --resume the run starts anew and moves them aside",
                true);
  if (found.path.empty()) return found;
  agree(comm, [&] {
    check_fit(config, found.path);
    const Progress& done = found.manifest.progress;
    if (config.train.epochs < done.epoch + (done.step_in_epoch > 0 ? 1 : 0))
      throw Error(ErrorKind::checkpoint, "train.epochs is " + std::to_string(config.train.epochs) + ", and " +
                                             found.path + " has " + std::to_string(done.epoch) +
                                             " epochs done" +
                                             (done.step_in_epoch > 0 ? " and part of the next one" : ""));
  });
  return found;
}

CarriedOn load_resume_point(Communicator& comm, const Candidate& from, const std::string& data_digest,
                            const TrainConfig& config, Learner& learner) {
  CarriedOn state = carried(from.manifest);
  if (state.data_digest != data_digest)
    throw Error(ErrorKind::checkpoint,
                from.path + ": was trained on other ratings or another split of them (digest " +
                    state.data_digest + ", expected " + data_digest +
                    "); give the data keys it was trained with, or start anew without --resume",
                true);
  read_checkpoint(comm, from.path, from.manifest, moment_names(config), table_views(learner, config),
                  dense_views(learner, config));
  return state;
}

}  // namespace ncf
