#pragma once
/// Which ratings validate.

#include <cstdint>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

/// For each row of the part, 1 when it validates. Pure functions of the data set, the config and the seed:
///
///     random         canonical row i validates iff Permutation(N, seed, Purpose::split, 0).forward(i) is
///                    less than floor(valid_fraction · N), N being the rows of the whole data set: exactly
///                    so many rows do
///     leave_one_out  each user's latest rating, of equally late ones that of the last item in vocabulary
///                    order; a user with one rating keeps it for training
///     given          as the data set says
///
/// The part must have times (leave_one_out) or a given split when it has rows.
std::vector<uint8_t> validation_rows(const RatingsPart& part, int64_t total_rows, const DataConfig& config,
                                     uint64_t seed);

}  // namespace ncf
