#pragma once
/// The declaration of every configuration key, once: key, place in Config, bounds, help. All else visits this list.

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "ncf/config/config.hpp"

namespace ncf {

struct Field {
  std::string key;     ///< "train.batch_size"
  std::string bounds;  ///< "1 … 1000000", or ""
  std::string help;
  std::function<void(const YAML::Node&)> read;  ///< throws Mismatch; also when out of bounds
  std::function<std::string()> write;           ///< as a YAML flow value
};

/// Fields bound to this configuration, which must outlive them.
std::vector<Field> fields(Config& config);

/// What no single field can say. Throws Error{usage}.
void check_together(const Config& config);

}  // namespace ncf
