#pragma once
/// Which rank owns which users: contiguous ranges in vocabulary order with about equal numbers of ratings.

#include <cstdint>
#include <span>
#include <vector>

namespace ncf {

/// `counts`: ratings of each user. Returns bounds [world + 1]: rank r owns the users [bounds[r], bounds[r +
/// 1]), none where they are equal. No user is split, so a rank's ratings exceed an equal share by at most one
/// user's.
std::vector<int64_t> user_ranges(std::span<const int64_t> counts, int64_t world);

}  // namespace ncf
