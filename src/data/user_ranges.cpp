#include "ncf/data/user_ranges.hpp"

#include <numeric>

namespace ncf {

std::vector<int64_t> user_ranges(std::span<const int64_t> counts, int64_t world) {
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const auto users = std::ssize(counts);
  std::vector<int64_t> bounds{0};
  int64_t user = 0, before = 0;  // ratings of the users before `user`
  for (int64_t rank = 1; rank < world; ++rank) {
    const int64_t share = total / world * rank + total % world * rank / world;
    // A user belongs to the rank in whose share its middle rating falls.
    while (user < users && before + (counts[static_cast<std::size_t>(user)] + 1) / 2 <= share)
      before += counts[static_cast<std::size_t>(user++)];
    bounds.push_back(user);
  }
  bounds.push_back(users);
  return bounds;
}

}  // namespace ncf
