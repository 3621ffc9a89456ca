#pragma once
/// RUN/progress.json: how far a run is, for whoever looks at it from outside (`ncf_dist top`). A thread of
/// rank 0 replaces it once a second, whether training is in a step, an evaluation or a save, so a file that
/// is old tells that the run is gone. It is a view: not flushed to disk, not read by --resume, and a failure
/// to write it is not worth a word beside those about checkpoints and metrics.jsonl.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ncf {

/// What one rank tells of the time since it last did.
struct RankProgress {
  double own_s = 0;          // not in collectives
  double wall_s = 0;         // in all
  int64_t memory_bytes = 0;  // resident
};

struct RunProgress {
  std::string
      state;  // "training", "evaluating", "saving"; at last "failed", or the reason of the `end` event
  std::string started, written;        // UTC
  int64_t epoch = 0, epochs = 0;       // under way, from 1; of the whole run
  int64_t step = 0, steps = 0;         // done and to do, over the whole run
  double samples_per_s = 0;            // lately
  double seconds = 0;                  // since this start
  std::optional<double> left_s;        // of training, estimated
  std::optional<double> limit_left_s;  // until the time limit
  std::string limit;                   // which; empty: none
  std::vector<std::string> hosts;      // one a rank
  std::vector<RankProgress> ranks;     // empty until they have told
};

std::string to_json(const RunProgress& progress);
/// Nothing when the text is not such a file.
std::optional<RunProgress> progress_from_json(const std::string& text);

class ProgressFile {
 public:
  /// Writes DIR/progress.json from now on.
  ProgressFile(const std::string& dir, RunProgress first);
  /// Writes once more: "failed", unless end() has been called.
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

  /// Changes what the next writing says. Never waits for a file.
  template <class F>
  void change(F&& f) {
    const std::lock_guard lock(mutex_);
    f(now_);
  }
  /// So many steps are done. Costs nothing.
  void set_step(int64_t step) { step_.store(step, std::memory_order_relaxed); }
  /// The last writing, at once.
  void end(const std::string& reason);

 private:
  void write();

  std::string path_;
  std::mutex mutex_;  // of now_
  RunProgress now_;   // but for `step` and what follows from it
  std::atomic<int64_t> step_{0};
  double begun_s_ = 0;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace ncf
