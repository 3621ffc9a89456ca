#pragma once
/// When a run has to stop by itself: run.stop_before, or the end of the SLURM job.

#include <optional>
#include <string>

#include "ncf/config/config.hpp"

namespace ncf {

class TimeLimit {
 public:
  /// The earlier of run.stop_before, counted from now, and SLURM_JOB_END_TIME (seconds since 1970, which
  /// SLURM or the scripts in slurm/ set).
  explicit TimeLimit(const RunConfig& run);

  /// Whether it is time to save and stop: what is left is no more than a margin for saving, a twentieth of
  /// the whole time (at most a minute) and twice the longest save so far.
  bool is_near(double longest_save_s) const;
  /// Seconds left until the limit itself.
  std::optional<double> left_s() const;
  /// Which limit, for messages; empty: there is none.
  const std::string& name() const { return name_; }

 private:
  std::optional<double> end_;  // by now_s()
  double margin_ = 0;
  std::string name_;
};

}  // namespace ncf
