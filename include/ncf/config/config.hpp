#pragma once
/// The configuration of a run: plain values. Each section declares its fields once, in describe(): key, default,
/// bounds and help. YAML, the command line, --help, the reference page, validation and the echo into config.yaml
/// are visitors over that declaration (fields.hpp).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ncf {

enum class DataFormat { automatic, movielens_100k, movielens_dat, movielens_csv, csv, hdf5, he_ncf };
enum class SplitKind { random, leave_one_out, given };
enum class VocabularyKind { train, all };
enum class Duplicates { last, first, mean, error };
enum class ModelKind { neural, dot };
enum class OptimizerKind { adamw, sgd };
enum class ScheduleKind { one_cycle, cosine, step, constant };
enum class EmbeddingUpdate { lazy, dense };

struct RunConfig {
  std::string dir = "runs/ncf";
  int64_t seed = 42;
  int64_t threads = 0;  // 0: auto
};

struct SyntheticConfig {
  int64_t users = 943;
  int64_t items = 1682;
  int64_t ratings = 100000;
};

struct CsvConfig {             // generic csv/tsv: columns by name (with a header) or by number from 1
  std::string user = "1";
  std::string item = "2";
  std::string rating = "3";
  std::string time;            // empty: none
  std::string separator = "auto";
  std::string header = "auto"; // auto | yes | no
};

struct DataConfig {
  std::string path;            // empty: synthetic ratings
  DataFormat format = DataFormat::automatic;
  SplitKind split = SplitKind::random;
  std::string valid_path;      // split: given
  double valid_fraction = 0.2;
  VocabularyKind vocabulary = VocabularyKind::train;
  Duplicates duplicates = Duplicates::last;
  CsvConfig csv;
  SyntheticConfig synthetic;
};

struct EmbeddingDim {          // 0: the rule of thumb
  int64_t user = 0;
  int64_t item = 0;
};

struct ModelConfig {
  ModelKind kind = ModelKind::neural;
  EmbeddingDim embedding_dim;
  std::vector<int64_t> hidden = {100, 50};
  std::optional<std::vector<double>> y_range;  // [low, high]; none: the raw output
  bool batch_norm = false;
  std::vector<double> dropout = {0.0};         // one for all hidden layers, or one a layer
  double embedding_dropout = 0.0;
};

struct TrainConfig {
  int64_t epochs = 5;
  int64_t batch_size = 64;     // global
  int64_t micro_batch = 1024;  // rows a rank computes at once
  bool drop_last = false;
  OptimizerKind optimizer = OptimizerKind::adamw;
  double lr = 5e-3;
  double weight_decay = 0.01;
  double momentum = 0.9;       // sgd
  double beta2 = 0.99;
  double eps = 1e-5;
  ScheduleKind schedule = ScheduleKind::one_cycle;
  double warmup = 0.0;         // fraction of all steps; constant, cosine, step
  int64_t lr_step_epochs = 10; // schedule step: every so many epochs
  double lr_step_factor = 0.1; // … the rate is multiplied by this
  EmbeddingUpdate embedding_update = EmbeddingUpdate::lazy;
};

struct EvalConfig {
  int64_t every_epochs = 1;
};

struct CommConfig {
  double timeout_s = 300;
};

struct Config {
  RunConfig run;
  DataConfig data;
  ModelConfig model;
  TrainConfig train;
  EvalConfig eval;
  CommConfig comm;
};

}  // namespace ncf
