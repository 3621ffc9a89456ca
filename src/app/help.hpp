#pragma once
/// --help and --version.

#include <string>
#include <vector>

#include "app/command.hpp"

namespace ncf::app {

/// Flags that every command has; --config only where configuration keys are taken.
std::vector<Flag> common_flags(bool keys = true);

std::string program_help();
std::string command_help(const Command& command);

/// This program, the libraries it runs with, and the instruction set in use.
std::string versions();

}  // namespace ncf::app
