#include "ncf/measure/step_times.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace ncf {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What was measured of one thing, a value a step.
PhaseTime over_ranks(Communicator& comm, const std::vector<double>& seconds) {
  const double mid = median(seconds), least = *std::ranges::min_element(seconds);
  const double ranks = comm.size();
  return {
      .median_s = comm.sum(mid) / ranks, .minimum_s = comm.sum(least) / ranks, .slowest_s = comm.max(mid)};
}

/// Runs steps and keeps what each took.
struct Measured {
  std::array<std::vector<double>, static_cast<std::size_t>(Phase::count)> phases;
  std::vector<double> step, sent;
};

}  // namespace

StepTimes time_steps(Communicator& comm, Learner& learner, const NextPart& next, double seconds,
                     int64_t least) {
  int64_t done = 0;
  Measured measured;
  const auto run = [&](int64_t steps) {
    for (int64_t s = 0; s < steps; ++s) {
      PhaseTimer timer;
      LossSum loss;
      const uint64_t sent = comm.bytes_sent();
      const double begin = now_s();
      const auto part = next(done);
      timer.charge(Phase::samples);
      const uint64_t for_samples = comm.bytes_sent() - sent;
      ++done;
      learner.step(comm, part, done, 0, loss, timer);
      measured.step.push_back(now_s() - begin);
      measured.sent.push_back(static_cast<double>(comm.bytes_sent() - sent - for_samples));
      for (std::size_t p = 0; p < measured.phases.size(); ++p)
        measured.phases[p].push_back(timer.seconds()[p]);
    }
  };
  constexpr int64_t warm_up = 3;
  run(warm_up);
  measured = {};
  run(least);
  const double a_step = comm.max(median(measured.step));
  run(std::clamp(static_cast<int64_t>(seconds / std::max(a_step, 1e-9)) - least, int64_t{0},
                 most_steps - least - warm_up));

  StepTimes times;
  times.steps = std::ssize(measured.step);
  times.step = over_ranks(comm, measured.step);
  times.sent_bytes = comm.sum(median(measured.sent)) / comm.size();
  for (std::size_t p = 0; p < measured.phases.size(); ++p)
    times.phases[p] = over_ranks(comm, measured.phases[p]);
  // Most steps find their samples at hand, one in a window fetches them: a median would see nothing of it.
  const auto& fetching = measured.phases[static_cast<std::size_t>(Phase::samples)];
  const double mean =
      std::accumulate(fetching.begin(), fetching.end(), 0.0) / static_cast<double>(times.steps);
  PhaseTime& samples = times.phases[static_cast<std::size_t>(Phase::samples)];
  samples.median_s = comm.sum(mean) / comm.size();
  samples.slowest_s = comm.max(mean);
  return times;
}

}  // namespace ncf
