#pragma once
/// What a checkpoint is made of, as views of someone else's memory. This layer knows no model and no trainer:
/// whoever saves or loads lists the tables and dense parameters it holds. The same lists serve writing and
/// reading.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ncf/data/vocabulary.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

/// A sharded table as one rank holds it: local row l is global row l * world + rank. Its columns are, first
/// to last, what is stored as /gmf/<name>/weight, /embedding/<name>/weight and /embedding/<name>/bias, the
/// moments and last_step beside them.
struct TableView {
  std::string name;         // "user"
  int64_t total_rows = 0;   // over all ranks, row 0 ("unknown") included
  int64_t width = 0;        // columns of the embedding
  bool has_bias = false;    // the last column
  int64_t gmf_width = 0;    // columns of a generalized matrix factorization, before them
  MatrixView weight;        // [local rows × cols()]
  MatrixView first_moment;  // same shape; cols == 0: none. A rank without rows still sets cols.
  MatrixView second_moment;
  std::optional<std::span<int64_t>> last_step;  // [local rows], the step up to which a row is moved

  int64_t cols() const { return gmf_width + width + (has_bias ? 1 : 0); }
};

/// A replicated parameter, equal on every rank; rank 0 writes it, every rank reads it.
struct DenseView {
  std::string path;  // "/mlp/0/weight"
  std::vector<int64_t> shape;
  std::span<float> value;         // row-major
  std::span<float> first_moment;  // empty: none (no such optimiser, or no parameter: running statistics)
  std::span<float> second_moment;
};

/// How the moments are called in the file. SGD has one, {"momentum", ""}; a checkpoint of another optimiser
/// then fails to load with both names in the message.
struct MomentNames {
  std::string first = "adam_m";
  std::string second = "adam_v";
  bool operator==(const MomentNames&) const = default;
};

/// How far training is. A step is one optimiser step; all three count what is done.
struct Progress {
  int64_t step = 0;
  int64_t epoch = 0;          // epochs finished
  int64_t step_in_epoch = 0;  // steps done of the epoch under way
  bool operator==(const Progress&) const = default;
};

struct Snapshot {
  Progress progress;
  uint64_t seed = 0;
  std::string config_yaml;
  std::string program_version;
  // Whatever else training carries on with: the best metric so far, the digest of the data, …
  std::map<std::string, double> extra;
  std::map<std::string, std::string> extra_text;
  const Vocabulary* users = nullptr;  // ids of rows 1..n; needed on rank 0 only
  const Vocabulary* items = nullptr;
  MomentNames moments;
  std::vector<TableView> tables;
  std::vector<DenseView> dense;
};

}  // namespace ncf
