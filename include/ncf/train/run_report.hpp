#pragma once
/// What a run tells: the terminal (banner, progress, a row an epoch, the phases) and metrics.jsonl. Only rank
/// 0's report is open; on other ranks every function does nothing.

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "ncf/train/evaluation.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {

struct RunFacts {
  std::string model;   // "neural [100, 50], embeddings 74 + 101"
  std::string source;  // of the ratings
  bool from_text = false;
  std::string libraries;  // with their versions
  int64_t ranks = 1, threads = 1;
  std::vector<std::string> hosts;  // one a rank
  int64_t users = 0, items = 0, train_rows = 0, valid_rows = 0, parameters = 0;
  int64_t rank_bytes = 0;  // of the rank that needs most
  int64_t epochs = 0;
  std::optional<int64_t> resumed_from;  // step
  std::string started_from;             // for people: the checkpoint behind the first weights; may be empty
};

/// Seconds a phase: the slowest rank's and the mean over ranks.
struct PhaseSeconds {
  std::array<double, static_cast<std::size_t>(Phase::count)> slowest{}, mean{};
};

struct EpochFacts {
  int64_t epoch = 0;  // 1-based
  int64_t step = 0;
  double train_loss = 0;
  std::optional<RatingMetrics> valid;
  double lr = 0;
  double samples_per_s = 0;  // training only: fetching samples and steps
  double seconds = 0;        // of the epoch, evaluation included
  PhaseSeconds phases;
  uint64_t bytes_sent = 0;  // over all ranks
};

class RunReport {
 public:
  /// Opens DIR/metrics.jsonl for appending when `open`. Throws Error{usage} naming run.dir when it cannot.
  RunReport(const std::string& dir, bool open);

  void start(const RunFacts& facts);
  /// Redraws the bar on a terminal, a few times a second at most.
  void progress(int64_t epoch, int64_t step, int64_t steps, double samples_per_s);
  /// A line of its own, for people.
  void say(const std::string& sentence);
  void epoch(const EpochFacts& facts);
  /// `seconds` until it was durable, `waited_s` of them training stood still.
  void checkpoint(int64_t step, const std::string& path, double seconds, double waited_s, int64_t bytes);
  /// `advice`: a last line, such as how to go on; may be empty.
  void end(const std::string& reason, double seconds, std::optional<double> best, const std::string& advice);
  void phases(const PhaseSeconds& total) const;

 private:
  void line(const std::string& json);
  void clear_bar();

  bool open_ = false;
  bool terminal_ = false;
  bool bar_shown_ = false;
  double bar_drawn_ = 0;
  int64_t epochs_ = 0;
  int64_t train_rows_ = 0;
  std::string path_;   // of metrics.jsonl
  std::string saved_;  // the last checkpoint
  std::ofstream metrics_;
};

}  // namespace ncf
