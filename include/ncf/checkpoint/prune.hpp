#pragma once
/// Which checkpoints of a run are kept, and the link `best`.

#include <cstdint>
#include <string>
#include <vector>

namespace ncf {

struct Keep {
  int64_t last = 2;    // the newest ones
  int64_t best = 1;    // those of the lowest metric; 0: none, and no link
  std::string metric;  // name in Manifest::extra; a checkpoint without it is not a candidate for best
};

/// Moves the link `best` and removes what need not be kept: only checkpoints whose manifest can be read and
/// that are older than `newest_step`, and leftovers of saves and removals that were cut short. For one rank,
/// after a commit. A checkpoint goes under its name with one rename before its files go. Throws
/// Error{checkpoint}; what it has not come to stays. Not collective.
void prune_checkpoints(const std::string& checkpoints, int64_t newest_step, const Keep& keep);

}  // namespace ncf
