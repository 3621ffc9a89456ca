#pragma once
/// Ratings drawn from a hidden model, for trying things without a file. A pure function of (seed, config):
/// the same for any number of slices, each of which draws only its own users' ratings.
///
///     score(u, i)  3.4 + b_u + b_i + <p_u, q_i> + noise: b_u ~ N(0, .4²), b_i ~ N(0, .5²),
///                  noise ~ N(0, .35²), the product of rank 4 and deviation .8
///     rating       the score to the nearest half, in [1, 5]
///     activity     log-normal: every user has a rating when there are enough, none more than items
///     popularity   Zipf-like: weight 1 / (rank + 1 + items / 100), the ranks dealt out by the seed; a
///                  user's items are drawn by it without replacement
///     time         uniform over ten years: leave_one_out takes a random one

#include <cstdint>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/data/slice.hpp"

namespace ncf {

/// The data set, ids 1..users and 1..items (also those that no rating names), this slice's users' ratings.
/// Error{usage} for numbers that cannot be: none of something, or more ratings than there are pairs.
Dataset synthetic_dataset(const SyntheticConfig& config, uint64_t seed, Slice slice, bool with_times = true);

/// The probability of each item to be the next one that a user rates.
std::vector<double> synthetic_popularity(const SyntheticConfig& config, uint64_t seed);

/// Ratings of each user: they add up to config.ratings.
std::vector<int64_t> synthetic_activity(const SyntheticConfig& config, uint64_t seed);

}  // namespace ncf
