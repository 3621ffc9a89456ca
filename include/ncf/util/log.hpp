#pragma once
/// Messages to people, on standard error. What all ranks know is said once, by rank 0; what one rank alone
/// knows is said by it, with its number.

#include <string>

namespace ncf {

/// Who speaks. Until this is called, the process is taken to be alone.
void start_log(int rank, int ranks, const std::string& host);

/// Said once: rank 0 prints, the others are silent.
void log_warning(const std::string& message);
void log_error(const std::string& message);

/// Said by whichever rank calls: "ncf_dist: error on rank 3 of 8 (node2): …"; alone, without a rank.
void log_rank_warning(const std::string& message);
void log_rank_error(const std::string& message);

}  // namespace ncf
