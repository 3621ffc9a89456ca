#pragma once
/// The command line: every configuration key is a flag, and a command may have a few flags of its own.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "ncf/config/load.hpp"

namespace ncf {

/// A flag that is not a configuration key, or another name of one.
struct Flag {
  std::string name;   ///< "output", or with a short form "help,h"
  std::string takes;  ///< what stands after it, for --help: "FILE"; empty: nothing does
  std::string help;
  std::string key = {};  ///< the key that it sets; empty: none
};

struct CommandLine {
  std::vector<Assignment> keys;              ///< in the order given
  std::map<std::string, std::string> flags;  ///< the flags given; empty text for those that take nothing
  std::string operand;                       ///< the word that is no flag, where the command takes one
};

/// What a command takes besides its own flags.
struct Takes {
  bool keys = true;     ///< every configuration key as a flag
  std::string operand;  ///< one word that is no flag, which it needs: "PATH"; empty: none
};

/// Throws Error{usage} naming the flag, and for an unknown one the nearest. A missing operand is for the
/// command to notice: with --help it may be missing.
CommandLine parse_command_line(std::span<const std::string> arguments, std::span<const Flag> flags,
                               const Takes& takes = {});

}  // namespace ncf
