#include "ncf/train/overlap_trial.hpp"

#include <algorithm>

#include "ncf/train/learner.hpp"

namespace ncf {
namespace {

double median(std::vector<double>& values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

OverlapTrial::OverlapTrial(const Config& config, const Communicator& comm)
    : OverlapTrial(config.comm.overlap == OverlapKind::automatic && overlaps(config, comm),
                   overlaps(config, comm)) {}

void OverlapTrial::after_step(Communicator& comm, double seconds) {
  if (!trying_) return;
  if (steps_ % turn != 0) times_[beside_ ? 1 : 0].push_back(seconds);
  ++steps_;
  beside_ = steps_ / turn % 2 == 1;
  if (steps_ < 2 * turns * turn) return;
  std::array<double, 2> slowest = {median(times_[0]), median(times_[1])};
  comm.all_reduce_max(std::span<double>(slowest));
  beside_ = slowest[1] < slowest[0];
  trying_ = false;
}

}  // namespace ncf
