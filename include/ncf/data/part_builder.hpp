#pragma once
/// From the ratings of a rank's users, in any order, to its CSR part.

#include <cstdint>
#include <optional>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/data/raw_ratings.hpp"

namespace ncf {

struct BuiltPart {
  RatingsPart part;      // first_row is left to the caller, who knows the other ranks
  int64_t repeated = 0;  // rows merged away
  int64_t in_both = 0;  // pairs of the training file that are in the validation file, too: they validate only
  /// With Duplicates::error, the first repeated pair in canonical order: the two rows. The part is then
  /// incomplete.
  std::optional<std::pair<RawRating, RawRating>> repeat;
};

/// `ratings` (indices of the vocabulary) all belong to users [first_user, last_user). Repeated pairs are
/// resolved by `duplicates` within each file, in the order of the file; a pair of both files keeps the
/// validation file's row. `mean` takes the mean of the values and the latest time.
BuiltPart build_part(std::vector<RawRating> ratings, int64_t first_user, int64_t last_user,
                     Duplicates duplicates, bool with_times, bool with_split);

}  // namespace ncf
