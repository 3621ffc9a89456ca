#include "ncf/train/evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace ncf {
namespace {

/// Of predictions for samples: sums of squared and of absolute errors.
struct Errors {
  ExactSum squares, absolutes;

  void add(std::span<const float> predictions, const Sample* samples) {
    constexpr std::size_t block = 512;
    std::array<double, block> square, absolute;
    for (std::size_t first = 0; first < predictions.size(); first += block) {
      const std::size_t count = std::min(block, predictions.size() - first);
      for (std::size_t k = 0; k < count; ++k) {
        const double error =
            static_cast<double>(predictions[first + k]) - static_cast<double>(samples[first + k].rating);
        square[k] = error * error;
        absolute[k] = std::abs(error);
      }
      squares.add(std::span<const double>(square).first(count));
      absolutes.add(std::span<const double>(absolute).first(count));
    }
  }
};

/// The sums over all ranks. Collective.
template <std::size_t count>
std::array<ExactSum, count> global_sums(Communicator& comm, const std::array<ExactSum, count>& sums) {
  std::array<decltype(sums[0].limbs()), count> limbs;
  for (std::size_t k = 0; k < count; ++k) limbs[k] = sums[k].limbs();
  comm.all_reduce_sum(std::span<int64_t>(limbs[0].data(), count * limbs[0].size()));
  std::array<ExactSum, count> out;
  for (std::size_t k = 0; k < count; ++k) out[k] = ExactSum::from_limbs(limbs[k]);
  return out;
}

double mean(const ExactSum& total, int64_t count) {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : total.value() / static_cast<double>(count);
}

}  // namespace

ExactSum global_sum(Communicator& comm, const ExactSum& sum) {
  return global_sums(comm, std::array{sum})[0];
}

double global_mean(Communicator& comm, const ExactSum& sum, int64_t count) {
  return mean(global_sum(comm, sum), count);
}

RatingMetrics evaluate_ratings(Communicator& comm, Learner& learner, const Samples& valid) {
  // Rounds lie on a fixed grid of the global order; ranks meet different numbers of rounds but take part in
  // as many.
  const int64_t chunk = learner.predicted_at_once();
  const int64_t end = valid.first + static_cast<int64_t>(valid.rows.size());
  const int64_t first_round = valid.first / chunk;
  const int64_t rounds = comm.max(valid.rows.empty() ? 0 : (end - 1) / chunk - first_round + 1);
  Errors errors;
  std::vector<int32_t> users, items;
  std::vector<float> predictions;
  for (int64_t round = first_round; round < first_round + rounds; ++round) {
    const int64_t first = std::clamp(round * chunk, valid.first, end) - valid.first;
    const int64_t last = std::clamp((round + 1) * chunk, valid.first, end) - valid.first;
    const Sample* const samples = valid.rows.data() + first;
    const auto count = static_cast<std::size_t>(last - first);
    users.resize(count);
    items.resize(count);
    for (std::size_t k = 0; k < count; ++k) users[k] = samples[k].user, items[k] = samples[k].item;
    predictions.resize(count);
    learner.predict(comm, valid.first + first, users, items, predictions);
    errors.add(predictions, samples);
  }
  RatingMetrics out;
  out.rows = valid.total;
  const auto [squares, absolutes] = global_sums(comm, std::array{errors.squares, errors.absolutes});
  out.mse = mean(squares, valid.total);
  out.mae = mean(absolutes, valid.total);
  out.rmse = std::sqrt(out.mse);
  return out;
}

}  // namespace ncf
