#pragma once
/// How often rows are asked for, and from that how many different ones a batch has.

#include <cstdint>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/measure/step_cost.hpp"

namespace ncf {

/// Training ratings of each model row, row 0 first; of all ranks.
struct Popularity {
  std::vector<double> users, items;
  double known_users = 0, known_items = 0;  ///< in the vocabulary
  int64_t train = 0;                        ///< ratings that train
  int64_t valid = 0;
};

/// Counted. Collective.
Popularity popularity_of(const TrainingData& data, Communicator& comm);
/// Of data.synthetic as it would be drawn and split, without drawing it.
Popularity expected_popularity(const DataConfig& config, uint64_t seed);

/// Expected number of different rows among `samples` drawn from the epoch's `total`, as batches are: without
/// replacement. A row that d of N ratings have is missing from n of them with probability
/// (1 - n/N) (1 - n/(N-1)) … (1 - n/(N-d+1)), here taken as the power d of its middle factor.
double expected_unique(const std::vector<double>& degrees, double total, double samples);

/// Expected number of rows of users that other ranks bring to one of `world` in a step, when samples are
/// dealt to the owners of their users (train/dealer.hpp): those of the samples that are more than an owner's
/// share.
double expected_brought(const std::vector<double>& degrees, double total, double batch, int64_t world);

/// Fills in the unique rows, and those that are brought.
void set_unique_rows(StepWork& work, const Popularity& popularity);

}  // namespace ncf
