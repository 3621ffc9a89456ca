#pragma once
/// What a run tells while it runs, besides its epochs: once a second the ranks exchange how busy they were,
/// and rank 0 puts that into progress.json, names a rank that makes the others wait, and says when the time
/// limit will come first. The steps in between cost one look at the clock.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/train/progress_file.hpp"
#include "ncf/train/run_report.hpp"
#include "ncf/train/slow_rank.hpp"
#include "ncf/train/time_limit.hpp"

namespace ncf {

/// How much there is to do.
struct RunLength {
  int64_t step = 0;  // done already
  int64_t steps = 0, epochs = 0;
};

/// A sentence when training cannot be over before the limit, empty when it can or nobody knows yet: at least
/// ten steps and a little of the time are needed for an estimate. `left_s`: of training, as estimated;
/// `limit_left_s` until `limit`; `seconds`: behind the estimate.
std::string will_not_fit(double left_s, double limit_left_s, const std::string& limit, double seconds,
                         int64_t steps);

class Telling {
 public:
  Telling(const CommConfig& config, const TimeLimit& limit, RunReport& report);

  /// Training begins; `hosts`: one a rank. `dir`: where rank 0 leaves progress.json. Not collective.
  void begin(const Communicator& comm, const std::string& dir, const RunLength& length,
             const std::vector<std::string>& hosts);
  /// Rank 0's wish, for all ranks at the next step, to exchange after it. Not collective.
  uint64_t notes(const Communicator& comm) const;
  /// `step` is done, of `rows` samples over all ranks; `united` are the notes of all ranks for it.
  /// Collective.
  void after_step(Communicator& comm, uint64_t united, int64_t step, int64_t rows);
  /// What is done from now on: "training", "evaluating", "saving". Not collective.
  void state(const char* state);
  /// The run is over. Not collective.
  void end(const std::string& reason);

 private:
  void exchange(Communicator& comm);
  void tell(double now, const std::vector<RankProgress>& ranks);
  void warn_of_slow_rank(const std::vector<RankProgress>& ranks);

  const TimeLimit& limit_;
  RunReport& report_;
  RunLength length_;
  std::vector<std::string> hosts_;
  SlowRankWatch slow_;
  std::unique_ptr<ProgressFile> file_;  // rank 0's
  bool fit_is_told_ = false;
  int64_t step_ = 0;
  int64_t rows_ = 0;                 // since the last exchange
  double begun_s_ = 0, told_s_ = 0;  // by now_s(): training, the last exchange
  double waited_s_ = 0;              // Communicator::waited_s() at the last exchange
  double paused_s_ = 0;              // not training, since the last exchange
  double pause_begun_s_ = 0;         // 0: training
};

}  // namespace ncf
