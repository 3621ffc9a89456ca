#pragma once
/// Exact distributed evaluation: every validation row once, no padding, no dropped tail, the same value on
/// any number of ranks as long as the predictions are the same.

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/learner.hpp"

namespace ncf {

struct RatingMetrics {
  double mse = 0, rmse = 0, mae = 0;  // NaN without validation rows
  int64_t rows = 0;
};

/// Tables must be caught up. Collective.
RatingMetrics evaluate_ratings(Communicator& comm, Learner& learner, const Samples& valid);

/// The sum over all ranks. Collective.
ExactSum global_sum(Communicator& comm, const ExactSum& sum);

/// The mean over all ranks of terms summed on each: sum / count. NaN when count is 0. Collective.
double global_mean(Communicator& comm, const ExactSum& sum, int64_t count);

}  // namespace ncf
