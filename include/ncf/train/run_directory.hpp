#pragma once
/// The directory of a run, as one rank prepares it. Throws Error{usage} naming run.dir.

#include <cstdint>

#include "ncf/config/config.hpp"

namespace ncf {

/// For a run from its start: makes run.dir with config.yaml. What an earlier run left there (its checkpoints,
/// metrics and configuration) is moved to run.dir/earlier-N; returns that directory, or nothing when there
/// was no checkpoint to keep. Not collective.
std::string begin_run_directory(const Config& config);

/// For a run that goes on after `epochs_done` epochs: writes config.yaml, and takes from metrics.jsonl the
/// epochs after those, which will be trained again, and a last line that was cut short. Not collective.
void continue_run_directory(const Config& config, int64_t epochs_done);

}  // namespace ncf
