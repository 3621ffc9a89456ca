#pragma once
/// Rules between keys; those of one key alone stand with its declaration (config.hpp).

#include <string>
#include <vector>

#include "ncf/config/load.hpp"

namespace ncf {

/// Throws Error{usage} when keys contradict each other, naming them and their places.
void check(const Config& config, const Places& places);

/// One sentence for each key that was set to something else than its default and yet changes nothing, because
/// of another key: "train.warmup (ml.yaml:7) has no effect: train.schedule is one_cycle".
std::vector<std::string> idle_keys(const Config& config, const Places& places);

}  // namespace ncf
