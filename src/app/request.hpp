#pragma once
/// What the arguments ask for. Nothing here communicates: every rank comes to the same answer by itself.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/command.hpp"

namespace ncf::app {

struct Request {
  Command command;
  CommandLine line;
  LoadedConfig loaded;
  std::optional<std::string> text;  ///< all that is to be done is to print this
};

/// `arguments` without the program's name. Throws Error{usage}.
Request understand(std::span<const std::string> arguments);

}  // namespace ncf::app
