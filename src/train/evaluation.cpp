#include "ncf/train/evaluation.hpp"

#include <cmath>
#include <limits>

namespace ncf {
namespace {

constexpr int64_t chunk = 8192;  // rows a rank predicts at once

}  // namespace

double global_mean(Communicator& comm, const ExactSum& sum, int64_t count) {
  auto limbs = sum.limbs();
  comm.all_reduce_sum(std::span<int64_t>(limbs));
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  return ExactSum::from_limbs(limbs).value() / static_cast<double>(count);
}

RatingMetrics evaluate_ratings(Communicator& comm, Learner& learner, const Samples& valid) {
  const auto rows = static_cast<int64_t>(valid.rows.size());
  // Ranks hold different numbers of rows but take part in the same number of rounds.
  const int64_t rounds = comm.max((rows + chunk - 1) / chunk);
  ExactSum squares, absolutes;
  std::vector<int32_t> users, items;
  std::vector<float> predictions;
  for (int64_t round = 0; round < rounds; ++round) {
    const int64_t first = std::min(rows, round * chunk), last = std::min(rows, first + chunk);
    users.clear();
    items.clear();
    for (int64_t k = first; k < last; ++k) {
      users.push_back(valid.rows[static_cast<std::size_t>(k)].user);
      items.push_back(valid.rows[static_cast<std::size_t>(k)].item);
    }
    predictions.resize(users.size());
    learner.predict(comm, users, items, predictions);
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
