#pragma once
/// Writing a configuration as YAML.

#include <string>

#include "ncf/config/config.hpp"

namespace ncf {

/// Every key with its value. config_from_yaml() of it is `config`, to the last bit.
std::string to_yaml(const Config& config);

}  // namespace ncf
