#include "ncf/train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ncf {
ExactSum global_sum(Communicator& comm, const ExactSum& sum) {
  auto limbs = sum.limbs();
  comm.all_reduce_sum(std::span<int64_t>(limbs));
  return ExactSum::from_limbs(limbs);
}

double global_mean(Communicator& comm, const ExactSum& sum, int64_t count) {
  const ExactSum total = global_sum(comm, sum);
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : total.value() / static_cast<double>(count);
}

RatingMetrics evaluate_ratings(Communicator& comm, Learner& learner, const Samples& valid) {
  // Rounds lie on a fixed grid of the global order; ranks meet different numbers of rounds but take part in
  // as many.
  const int64_t chunk = learner.predicted_at_once();
  const int64_t end = valid.first + static_cast<int64_t>(valid.rows.size());
  const int64_t first_round = valid.first / chunk;
  const int64_t rounds = comm.max(valid.rows.empty() ? 0 : (end - 1) / chunk - first_round + 1);
  ExactSum squares, absolutes;
  std::vector<int32_t> users, items;
  std::vector<float> predictions;
  for (int64_t round = first_round; round < first_round + rounds; ++round) {
    const int64_t first = std::clamp(round * chunk, valid.first, end) - valid.first;
    const int64_t last = std::clamp((round + 1) * chunk, valid.first, end) - valid.first;
    users.clear();
    items.clear();
    for (int64_t k = first; k < last; ++k) {
      users.push_back(valid.rows[static_cast<std::size_t>(k)].user);
      items.push_back(valid.rows[static_cast<std::size_t>(k)].item);
    }
    predictions.resize(users.size());
    learner.predict(comm, valid.first + first, users, items, predictions);
    for (std::size_t k = 0; k < predictions.size(); ++k) {
      const double error = static_cast<double>(predictions[k]) -
                           static_cast<double>(valid.rows[static_cast<std::size_t>(first) + k].rating);
      squares.add(error * error);
      absolutes.add(std::abs(error));
    }
  }
  RatingMetrics out;
  out.rows = valid.total;
  out.mse = global_mean(comm, squares, valid.total);
  out.mae = global_mean(comm, absolutes, valid.total);
  out.rmse = std::sqrt(out.mse);
  return out;
}

}  // namespace ncf
