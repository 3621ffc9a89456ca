#pragma once
/// The configuration of a run: plain values. Each section declares its fields once, in describe(): key,
/// bounds and help; the default is the member's initial value. YAML, the command line, --help, the reference
/// page, validation and the echo into config.yaml are loops over that declaration (fields.hpp). Rules between
/// keys are in check.hpp.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ncf/config/fields.hpp"

namespace ncf {

enum class DataFormat { automatic, movielens_100k, movielens_dat, movielens_csv, csv, hdf5, he_ncf };
enum class SplitKind { random, leave_one_out, given };
enum class VocabularyKind { train, all };
enum class Duplicates { last, first, mean, error };
enum class ModelKind { neural, dot, gmf, neumf };
enum class OptimizerKind { adamw, sgd };
enum class ScheduleKind { one_cycle, cosine, step, constant };
enum class EmbeddingUpdate { lazy, dense };
enum class Reproducible { run, ranks };
enum class PrecisionKind { fp32, bf16 };
enum class WireKind { fp32, bf16 };
enum class OverlapKind { automatic, always, never };
enum class FirstLayer { automatic, rows, samples };

/// What users write for the enumerators, in their order.
std::span<const std::string_view> names(DataFormat);
std::span<const std::string_view> names(SplitKind);
std::span<const std::string_view> names(VocabularyKind);
std::span<const std::string_view> names(Duplicates);
std::span<const std::string_view> names(ModelKind);
std::span<const std::string_view> names(OptimizerKind);
std::span<const std::string_view> names(ScheduleKind);
std::span<const std::string_view> names(EmbeddingUpdate);
std::span<const std::string_view> names(Reproducible);
std::span<const std::string_view> names(PrecisionKind);
std::span<const std::string_view> names(WireKind);
std::span<const std::string_view> names(OverlapKind);
std::span<const std::string_view> names(FirstLayer);

/// What users write for this enumerator.
template <class E>
requires std::is_enum_v<E> std::string_view name_of(E value) {
  return names(value)[static_cast<std::size_t>(value)];
}

struct RunConfig {
  std::string dir = "runs/ncf";
  int64_t seed = 42;
  int64_t threads = 0;      // 0: auto
  std::string stop_before;  // "HH:MM:SS"; empty: no limit
  std::string trace;        // empty: none
  int64_t trace_steps = 100;

  bool operator==(const RunConfig&) const = default;
  void describe(Fields& f) {
    f.field("dir", dir, {.required = true, .main = true}, "the directory for everything a run writes");
    f.field("seed", seed, {.min = 0, .main = true},
            "decides split, initial values, order of the samples and dropout, whatever the number of ranks");
    f.field(
        "threads", threads, {.min = 1, .max = 1024, .automatic = true, .main = true},
        "threads of each rank; `auto`: the cores of the node that the job may use, divided among its ranks");
    f.field(
        "stop_before", stop_before, {},
        "run time, as HH:MM:SS, before which to save and stop with exit code 75, to be resumed; empty: no "
        "limit but SLURM's, where SLURM_JOB_END_TIME tells it");
    f.field("trace", trace, {},
            "a file for what every rank did when, in the first steps: phases and collectives, for "
            "ui.perfetto.dev or chrome://tracing; `--trace FILE` is short for it; empty: none");
    f.field("trace_steps", trace_steps, {.min = 1, .max = 1e6},
            "how many steps from the start run.trace has, with what stands between them");
  }
};

struct SyntheticConfig {
  int64_t users = 943;
  int64_t items = 1682;
  int64_t ratings = 100000;

  bool operator==(const SyntheticConfig&) const = default;
  void describe(Fields& f) {
    f.field("users", users, {.min = 1, .max = 2e9}, "number of users");
    f.field("items", items, {.min = 1, .max = 2e9}, "number of items");
    f.field("ratings", ratings, {.min = 1, .max = 1e15}, "number of ratings, at most users × items");
  }
};

/// Columns by name (of the header) or by number from 1.
struct CsvConfig {
  std::string user = "1";
  std::string item = "2";
  std::string rating = "3";
  std::string time;  // empty: none
  std::string separator = "auto";
  std::string header = "auto";  // auto | yes | no

  bool operator==(const CsvConfig&) const = default;
  void describe(Fields& f) {
    f.field("user", user, {.required = true},
            "column of the user ids: its name in the header, or its number from 1");
    f.field("item", item, {.required = true}, "column of the item ids");
    f.field("rating", rating, {.required = true}, "column of the ratings");
    f.field("time", time, {}, "column of the timestamps, in seconds; empty: there is none");
    f.field("separator", separator, {.required = true},
            "what stands between columns, such as `,` or `::` or `tab`; `auto`: found from the first line");
    f.field("header", header, {.choices = {"auto", "yes", "no"}},
            "whether the first line names the columns; `auto`: yes when none of those above holds a number "
            "in it");
  }
};

struct DataConfig {
  std::string path;  // empty: synthetic ratings
  DataFormat format = DataFormat::automatic;
  SplitKind split = SplitKind::random;
  std::string valid_path;  // split: given
  double valid_fraction = 0.2;
  VocabularyKind vocabulary = VocabularyKind::train;
  Duplicates duplicates = Duplicates::last;
  CsvConfig csv;
  SyntheticConfig synthetic;

  bool operator==(const DataConfig&) const = default;
  void describe(Fields& f) {
    f.field("path", path, {.main = true},
            "a ratings file (also .gz or .xz), or the directory of a known data set, relative to the current "
            "directory; "
            "empty: synthetic ratings");
    f.field("format", format, {.main = true},
            "how the ratings are stored; `auto`: found from names and contents");
    f.field("split", split, {.main = true},
            "which ratings validate: a `random` fraction, each user's last (`leave_one_out`, by time), or "
            "the `given` "
            "part (data.valid_path, or what the data set brings)");
    f.field("valid_path", valid_path, {},
            "split `given`: the file of validation ratings, in the format of data.path");
    f.field("valid_fraction", valid_fraction, {.above = 0, .below = 1, .main = true},
            "split `random`: the part of the ratings that validates");
    f.field("vocabulary", vocabulary, {},
            "which users and items get an embedding of their own: those of the `train` part, or `all`; the "
            "rest share "
            "the row \"unknown\"");
    f.field("duplicates", duplicates, {},
            "a (user, item) pair rated more than once keeps its `last` or `first` rating or their `mean`, or "
            "is an "
            "`error`");
    f.section("csv", csv, "Columns of a generic CSV or TSV file (format `csv`).");
    f.section("synthetic", synthetic,
              "Ratings drawn from a hidden low-rank model with long-tailed popularity; used when data.path "
              "is empty.");
  }
};

struct EmbeddingDim {  // 0: the rule of thumb
  int64_t user = 0;
  int64_t item = 0;

  bool operator==(const EmbeddingDim&) const = default;
};

struct ModelConfig {
  ModelKind kind = ModelKind::neural;
  EmbeddingDim embedding_dim;
  int64_t gmf_dim = 0;  // 0: the last hidden layer's width
  std::vector<int64_t> hidden = {100, 50};
  std::optional<std::vector<double>> y_range;  // [low, high]; none: the raw output
  bool batch_norm = false;
  std::vector<double> dropout = {0.0};  // one for all hidden layers, or one a layer
  double embedding_dropout = 0.0;

  bool operator==(const ModelConfig&) const = default;
  /// Whether there are layers: then what is said of them counts.
  bool has_layers() const { return kind == ModelKind::neural || kind == ModelKind::neumf; }
  /// Whether the hidden layers are Linear and ReLU and nothing else.
  bool plain_layers() const {
    return !batch_norm && std::ranges::none_of(dropout, [](double share) { return share > 0; });
  }
  void describe(Fields& f) {
    f.field(
        "kind", kind, {.main = true},
        "`neural`: embeddings, hidden layers, one output; `dot`: dot product of embeddings, plus biases; "
        "`gmf`: a linear unit on their element-wise product; `neumf`: `gmf` and `neural` side by side, each "
        "with embeddings of its own, under one output");
    f.field(
        "embedding_dim", embedding_dim, {.min = 1, .max = 65536, .main = true},
        "width of the embeddings; `auto`: min(600, round(1.6 n^0.56)) for n rows. `dot` and `gmf` take one "
        "for both, with `auto` the smaller. `neumf`: of those that the hidden layers take");
    f.field("gmf_dim", gmf_dim, {.min = 1, .max = 65536, .automatic = true},
            "`neumf`: width of the embeddings that are multiplied; `auto`: of the last hidden layer");
    f.field("hidden", hidden, {.min = 1, .max = 65536, .main = true},
            "`neural`, `neumf`: widths of the hidden layers");
    f.field("y_range", y_range, {.main = true},
            "predictions are squeezed into this range by a sigmoid; best a little wider than the ratings");
    f.field("batch_norm", batch_norm, {.main = true},
            "`neural`, `neumf`: batch normalisation after each hidden layer, over the global batch");
    f.field("dropout", dropout, {.min = 0, .below = 1, .main = true},
            "`neural`, `neumf`: share of units dropped after the hidden layers; one for all, or a list with "
            "one a layer");
    f.field("embedding_dropout", embedding_dropout, {.min = 0, .below = 1},
            "`neural`, `neumf`: share of embedding values dropped that the hidden layers take");
  }
};

/// "neural [100, 50]", "dot product with biases": its kind and layers.
std::string words_for(const ModelConfig& model);

struct TrainConfig {
  int64_t epochs = 5;
  int64_t batch_size = 64;    // global
  int64_t micro_batch = 512;  // rows a rank computes at once
  bool drop_last = false;
  OptimizerKind optimizer = OptimizerKind::adamw;
  double lr = 5e-3;
  double weight_decay = 0.01;
  double momentum = 0.9;  // sgd; β₁ of adamw; one_cycle has its own
  double beta2 = 0.99;
  double eps = 1e-5;
  ScheduleKind schedule = ScheduleKind::one_cycle;
  double warmup = 0.0;          // fraction of all steps; constant, cosine, step
  int64_t lr_step_epochs = 10;  // schedule step: every so many epochs
  double lr_step_factor = 0.1;  // … the rate is multiplied by this
  EmbeddingUpdate embedding_update = EmbeddingUpdate::lazy;
  PrecisionKind precision = PrecisionKind::fp32;
  FirstLayer first_layer = FirstLayer::automatic;
  Reproducible reproducible = Reproducible::run;
  int64_t granules = 8;

  bool operator==(const TrainConfig&) const = default;
  void describe(Fields& f) {
    f.field("epochs", epochs, {.min = 1, .max = 1e9, .main = true}, "passes over the training ratings");
    f.field(
        "batch_size", batch_size, {.min = 1, .max = 1e9, .main = true},
        "ratings of one step over all ranks together, so that the number of ranks changes nothing but speed");
    f.field("micro_batch", micro_batch, {.min = 1, .max = 1e9},
            "ratings a rank computes at once; what fits the processor's cache is fastest");
    f.field("drop_last", drop_last, {}, "leave out the last, incomplete batch of an epoch");
    f.field("optimizer", optimizer, {.main = true}, "update rule, `adamw` or `sgd` with momentum");
    f.field("lr", lr, {.above = 0, .main = true}, "learning rate; the highest one of the schedule");
    f.field("weight_decay", weight_decay, {.min = 0, .main = true},
            "decoupled weight decay, of embeddings and weights but not of the layers' biases");
    f.field("momentum", momentum, {.min = 0, .below = 1},
            "momentum of `sgd`, beta1 of `adamw`; the schedule `one_cycle` moves it from 0.95 to 0.85 and "
            "back instead");
    f.field("beta2", beta2, {.min = 0, .below = 1}, "`adamw`: decay of the squared gradients' mean");
    f.field("eps", eps, {.above = 0}, "`adamw`: added to the root of the squared gradients' mean");
    f.field(
        "schedule", schedule, {.main = true},
        "course of the learning rate: up and down once (`one_cycle`), down to 0 (`cosine`), down by factors "
        "(`step`), or `constant`");
    f.field(
        "warmup", warmup, {.min = 0, .below = 1},
        "`cosine`, `step`, `constant`: share of all steps over which the learning rate first grows from 0");
    f.field("lr_step_epochs", lr_step_epochs, {.min = 1, .max = 1e9},
            "schedule `step`: epochs between two steps");
    f.field("lr_step_factor", lr_step_factor, {.above = 0}, "schedule `step`: the learning rate times this");
    f.field(
        "embedding_update", embedding_update, {.main = true},
        "`dense`: every row moves at every step, as in PyTorch, made up for when it is next used; `lazy`: "
        "the rows of the batch, the others only decay");
    f.field(
        "precision", precision, {.main = true},
        "`bf16`: matrix products of bfloat16 numbers, added up in float32, several times faster where the "
        "processor has them (AVX-512 BF16, AMX); all that is kept and moved stays float32");
    f.field("first_layer", first_layer, {},
            "`neural`: where the products of the first layer are taken in training, which changes speed and "
            "the last digits "
            "only: once a row of the batch, by its owner (`rows`), once a sample (`samples`), or with `auto` "
            "where they are sooner done, by the tables' and the batch's sizes");
    f.field(
        "reproducible", reproducible, {.main = true},
        "`run`: the same number of ranks and threads gives the same bits; `ranks`: any number that divides "
        "`granules` does, at some cost");
    f.field(
        "granules", granules, {.min = 1, .max = 65536},
        "`reproducible: ranks`: parts of a batch whose sums are added in a fixed order, a power of two that "
        "the number of ranks divides");
  }
};

struct EvalConfig {
  int64_t every_epochs = 1;

  bool operator==(const EvalConfig&) const = default;
  void describe(Fields& f) {
    f.field("every_epochs", every_epochs, {.min = 1, .max = 1e9},
            "epochs between two evaluations; the last epoch is always evaluated");
  }
};

struct CommConfig {
  double timeout_s = 300;
  double slow_rank_s = 30;
  WireKind wire = WireKind::fp32;
  OverlapKind overlap = OverlapKind::automatic;
  bool shared_memory = true;

  bool operator==(const CommConfig&) const = default;
  void describe(Fields& f) {
    f.field("timeout_s", timeout_s, {.above = 0, .max = 1e7},
            "seconds that a rank waits for the others before it ends the job and names the missing ones");
    f.field(
        "slow_rank_s", slow_rank_s, {.min = 0, .max = 1e7},
        "seconds over which a rank must have been much slower than the others for a warning that names it; "
        "0: never");
    f.field("wire", wire, {},
            "what rows and their gradients are sent as while training, where they go by message, as between "
            "hosts: as they are, or rounded to `bf16`, half the bytes");
    f.field(
        "overlap", overlap, {},
        "whether rows and their gradients travel while a rank computes, by a thread of its own, with the "
        "same "
        "bits: `always`, `never`, or with `auto` what was quicker in a run's first steps, where ranks lie on "
        "several hosts and have a thousand samples each");
    f.field("shared_memory", shared_memory, {},
            "on one host: ranks read each other's samples, rows and gradients in place; false: all goes by "
            "message, "
            "as between hosts");
  }
};

struct CheckpointConfig {
  int64_t every_epochs = 1;
  int64_t every_steps = 0;
  double every_minutes = 0;
  int64_t keep_last = 2;
  int64_t keep_best = 1;
  bool required = false;

  bool operator==(const CheckpointConfig&) const = default;
  void describe(Fields& f) {
    f.field("every_epochs", every_epochs, {.min = 0, .max = 1e9, .main = true},
            "epochs between two checkpoints; 0: none. There is always one at the end");
    f.field("every_steps", every_steps, {.min = 0, .max = 1e15}, "steps between two checkpoints; 0: none");
    f.field("every_minutes", every_minutes, {.min = 0, .max = 1e6},
            "minutes from one checkpoint to the next, by the clock of rank 0; 0: none");
    f.field("keep_last", keep_last, {.min = 1, .max = 1e9, .main = true},
            "how many of the newest checkpoints are kept");
    f.field(
        "keep_best", keep_best, {.min = 0, .max = 1e9, .main = true},
        "how many of those with the lowest validation error are kept besides; the link `best` leads to the "
        "first of them");
    f.field("required", required, {},
            "whether a checkpoint that cannot be written ends the run (exit code 4); else it is a warning, "
            "except at the very end");
  }
};

struct Config {
  RunConfig run;
  DataConfig data;
  ModelConfig model;
  TrainConfig train;
  EvalConfig eval;
  CommConfig comm;
  CheckpointConfig checkpoint;

  bool operator==(const Config&) const = default;
  void describe(Fields& f) {
    f.section("run", run, "The run as a whole.");
    f.section("data", data, "The ratings and their split.");
    f.section("model", model, "What is trained.");
    f.section("train", train, "How it is trained.");
    f.section("eval", eval, "Evaluation on the validation part.");
    f.section("comm", comm, "Communication between ranks.");
    f.section("checkpoint", checkpoint, "When checkpoints are written and which are kept.");
  }
};

}  // namespace ncf
