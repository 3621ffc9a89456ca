#pragma once
/// The command line: every configuration key is a flag, and a command may have a few flags of its own.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "ncf/config/load.hpp"

namespace ncf {

/// A flag that is not a configuration key.
struct Flag {
  std::string name;   ///< "output", or with a short form "help,h"
  std::string takes;  ///< what stands after it, for --help: "FILE"; empty: nothing does
  std::string help;
};

struct CommandLine {
  std::vector<Assignment> keys;              ///< in the order given
  std::map<std::string, std::string> flags;  ///< the flags given; empty text for those that take nothing
};

/// Throws Error{usage} naming the flag, and for an unknown one the nearest.
CommandLine parse_command_line(std::span<const std::string> arguments, std::span<const Flag> flags);

}  // namespace ncf
