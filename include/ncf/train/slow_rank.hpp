#pragma once
/// Which rank makes the others wait. All ranks of a run keep step, so a slow one shows by how little of the
/// time it spends in collectives: the others wait for it there.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace ncf {

/// A rank beside the others.
struct Slowness {
  std::size_t rank = 0;
  double times = 1;  // its own time over the median of the others'
  double share = 0;  // of the whole time: what it has worked longer than that median
};

/// The rank with the most time of its own. `own_s`: seconds outside of collectives, one a rank, of `wall_s`.
/// Nothing with fewer than two ranks.
std::optional<Slowness> slowest_rank(std::span<const double> own_s, double wall_s);

/// Watches over windows of time.
class SlowRankWatch {
 public:
  /// `window_s`: 0 for never.
  explicit SlowRankWatch(double window_s) : window_s_(window_s) {}

  /// What the ranks did in the next `wall_s` seconds. At the end of a window that one rank has worked at
  /// least 1.5 times as long as the median of the others, which has cost a tenth of the time, names it; each
  /// rank once.
  std::optional<Slowness> add(std::span<const double> own_s, double wall_s);

 private:
  double window_s_;
  double wall_s_ = 0;
  std::vector<double> own_s_;
  std::vector<bool> named_;
};

}  // namespace ncf
