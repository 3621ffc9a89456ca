#include "ncf/config/check.hpp"

#include <bit>
#include <string_view>

#include "ncf/config/duration.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

/// "data.split (ml.yaml:4)"
std::string with_place(const std::string& key, const Places& places) {
  const auto found = places.find(key);
  return key + " (" + (found == places.end() ? "default" : found->second) + ")";
}

void check_data(const DataConfig& data, const Places& places) {
  const auto fail = [&](const std::string& key, const std::string& what) {
    throw Error(ErrorKind::usage, with_place(key, places) + ": " + what);
  };
  if (data.split == SplitKind::given) {
    if (data.path.empty()) fail("data.split", "given, but synthetic ratings bring no split; it takes random");
  } else if (!data.valid_path.empty()) {
    fail("data.valid_path", "needs data.split given, not " + std::string(name_of(data.split)));
  }
  const CsvConfig& csv = data.csv;
  if (csv.user == csv.item || csv.user == csv.rating || csv.item == csv.rating || csv.time == csv.user ||
      csv.time == csv.item || csv.time == csv.rating)
    fail("data.csv.user", "data.csv names a column twice: user " + csv.user + ", item " + csv.item +
                              ", rating " + csv.rating + (csv.time.empty() ? "" : ", time " + csv.time));
  const SyntheticConfig& made = data.synthetic;
  // users × items may overflow; the quotient cannot.
  if (data.path.empty() && (made.ratings - 1) / made.items >= made.users)
    fail("data.synthetic.ratings", std::to_string(made.ratings) + " are more than users × items, " +
                                       std::to_string(made.users) + " × " + std::to_string(made.items));
}

void check_model(const ModelConfig& model, const TrainConfig& train, const Places& places) {
  const auto fail = [&](const std::string& key, const std::string& what) {
    throw Error(ErrorKind::usage, with_place(key, places) + ": " + what);
  };
  if (!model.has_layers()) {
    const auto [user, item] = model.embedding_dim;
    if (user != 0 && item != 0 && user != item)
      fail("model.embedding_dim", "model.kind " + std::string(name_of(model.kind)) +
                                      " takes one width for both, not " + std::to_string(user) + " and " +
                                      std::to_string(item));
    return;
  }
  if (model.dropout.size() != 1 && model.dropout.size() != model.hidden.size())
    fail("model.dropout", std::to_string(model.dropout.size()) + " values for the " +
                              std::to_string(model.hidden.size()) +
                              " layers of model.hidden; it takes one for all, or one a layer");
  if (model.batch_norm && train.batch_size == 1)
    fail("train.batch_size", "model.batch_norm needs at least 2, one sample has no variance");
}

void check_train(const TrainConfig& train, const Places& places) {
  if (!std::has_single_bit(static_cast<uint64_t>(train.granules)))
    throw Error(ErrorKind::usage, with_place("train.granules", places) + ": " +
                                      std::to_string(train.granules) +
                                      " is not a power of two; sums are added in pairs");
}

void check_comm(const CommConfig& comm, const TrainConfig& train, const Places& places) {
  if (comm.wire == WireKind::bf16 && train.reproducible == Reproducible::ranks)
    throw Error(ErrorKind::usage, with_place("comm.wire", places) +
                                      ": bf16 rounds what goes from rank to rank, so that the result depends "
                                      "on their number; train.reproducible: ranks takes comm.wire: fp32");
}

void check_run(const RunConfig& run, const Places& places) {
  if (!run.stop_before.empty() && !parse_duration(run.stop_before))
    throw Error(ErrorKind::usage, with_place("run.stop_before", places) + ": '" + run.stop_before +
                                      "' is not a time; it takes HH:MM:SS, such as 03:55:00");
}

struct Idle {
  const char* key;  // a key, or a section
  bool idle;
  std::string because;
};

}  // namespace

void check(const Config& config, const Places& places) {
  check_run(config.run, places);
  check_data(config.data, places);
  check_model(config.model, config.train, places);
  check_train(config.train, places);
  check_comm(config.comm, config.train, places);
}

std::vector<std::string> idle_keys(const Config& config, const Places& places) {
  const bool synthetic = config.data.path.empty();
  const bool flat = !config.model.has_layers();
  const auto is = [](const char* key, auto value) {
    return std::string(key) + " is " + std::string(name_of(value));
  };
  const std::string no_path = "data.path is empty, the ratings are synthetic";
  const std::string kind = is("model.kind", config.model.kind);
  const std::string optimizer = is("train.optimizer", config.train.optimizer);
  const std::string schedule = is("train.schedule", config.train.schedule);
  const bool one_cycle = config.train.schedule == ScheduleKind::one_cycle;
  const bool steps = config.train.schedule == ScheduleKind::step;
  const bool ranks = config.train.reproducible == Reproducible::ranks;
  const bool sgd = config.train.optimizer == OptimizerKind::sgd;
  const Idle rules[] = {
      {"data.synthetic", !synthetic, "data.path is given"},
      {"data.format", synthetic, no_path},
      {"data.duplicates", synthetic, no_path},
      {"data.csv", synthetic, no_path},
      {"data.valid_fraction", config.data.split != SplitKind::random, is("data.split", config.data.split)},
      {"run.trace_steps", config.run.trace.empty(), "run.trace is empty"},
      {"train.granules", !ranks, is("train.reproducible", config.train.reproducible)},
      {"model.gmf_dim", config.model.kind != ModelKind::neumf, kind},
      {"model.hidden", flat, kind},
      {"model.batch_norm", flat, kind},
      {"model.dropout", flat, kind},
      {"model.embedding_dropout", flat, kind},
      {"train.momentum", one_cycle, schedule},
      {"train.beta2", sgd, optimizer},
      {"train.eps", sgd, optimizer},
      {"train.warmup", one_cycle, schedule},
      {"train.lr_step_epochs", !steps, schedule},
      {"train.lr_step_factor", !steps, schedule},
  };

  Config copy = config, defaults;
  const Fields fields(copy), default_fields(defaults);
  std::vector<std::string> sentences;
  for (std::size_t i = 0; i < fields.all().size(); ++i) {
    const Field& field = fields.all()[i];
    if (!places.contains(field.key) || field.write() == default_fields.all()[i].write()) continue;
    for (const Idle& rule : rules)
      if (rule.idle && (field.key == rule.key || field.key.starts_with(rule.key + std::string("."))))
        sentences.push_back(with_place(field.key, places) + " has no effect: " + rule.because);
  }
  return sentences;
}

}  // namespace ncf
