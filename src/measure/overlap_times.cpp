#include "ncf/measure/overlap_times.hpp"

#include <array>
#include <vector>

namespace ncf {
namespace {

/// Of steps of one kind.
struct Measured {
  std::vector<double> step, communication, computation;
};

/// What `pick` takes out of each. Collective.
template <class Pick>
OverlapTime over_ranks(Communicator& comm, const Measured& never, const Measured& always, const Pick& pick) {
  const auto mean = [&](const std::vector<double>& values) { return comm.sum(pick(values)) / comm.size(); };
  OverlapTime time;
  time.never = mean(never.step);
  time.always = mean(always.step);
  time.communication = mean(never.communication);
  time.computation = mean(never.computation);
  return time;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double least(const std::vector<double>& values) {
  return *std::ranges::min_element(values);
}

}  // namespace

OverlapTimes time_overlap(Communicator& comm, Learner& learner, const NextPart& next, int64_t batch_size,
                          double seconds) {
  constexpr int64_t turn = 8;  // steps, and one before them that is not counted
  std::array<Measured, 2> measured;
  int64_t done = 0;
  const double until = now_s() + seconds;
  for (bool more = true; more;) {
    for (const bool beside : {false, true}) {
      learner.set_overlap(beside);
      for (int64_t s = 0; s <= turn; ++s) {
        PhaseTimer timer;
        LossSum loss;
        const auto part = next(done++);
        const double communicated = comm.communicated_s(), begin = now_s();
        learner.step(comm, part, done, 0, loss, timer);
        if (s == 0) continue;
        Measured& of_kind = measured[beside ? 1 : 0];
        of_kind.step.push_back(now_s() - begin);
        of_kind.communication.push_back(comm.communicated_s() - communicated);
        of_kind.computation.push_back(of_kind.step.back() - of_kind.communication.back());
      }
    }
    more = comm.max(int64_t{now_s() < until}) != 0 && done + 2 * (turn + 1) <= most_steps;
  }
  OverlapTimes times;
  times.steps = std::ssize(measured[0].step);
  times.parts = learner.parts(batch_size);
  times.median_s = over_ranks(comm, measured[0], measured[1], median);
  times.minimum_s = over_ranks(comm, measured[0], measured[1], least);
  return times;
}

void finish_trial(Communicator& comm, Learner& learner, const NextPart& next, OverlapTrial& trial) {
  for (int64_t done = 0; trial.trying();) {
    learner.set_overlap(trial.beside());
    PhaseTimer timer;
    LossSum loss;
    const auto part = next(done++);
    const double begin = now_s();
    learner.step(comm, part, done, 0, loss, timer);
    trial.after_step(comm, now_s() - begin);
  }
}

}  // namespace ncf
