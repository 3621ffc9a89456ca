#pragma once
/// A run as it looks from outside, from any host that sees its directory: what progress.json and
/// metrics.jsonl tell, and whether it is still alive.

#include <optional>
#include <string>

#include "ncf/train/progress_file.hpp"

namespace ncf {

struct RunView {
  std::string dir;
  std::optional<RunProgress> progress;  // none: no progress.json, or not one that can be read
  double age_s = 0;                     // of progress.json
  std::string end_reason;               // of the last line of metrics.jsonl; empty: it is no `end`
  std::string last_epoch;               // that line of metrics.jsonl; empty: there is none

  /// The run is over, as it says itself.
  bool ended() const;
  /// It does not say so, but has been silent for longer than network file systems keep old contents.
  bool stale() const;
};

/// Throws Error{usage} when the directory holds neither file.
RunView look_at_run(const std::string& dir);

/// Text of a few lines.
std::string to_text(const RunView& view);

}  // namespace ncf
