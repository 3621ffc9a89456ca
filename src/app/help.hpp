#pragma once
/// --help and --version.

#include <string>
#include <vector>

#include "app/command.hpp"

namespace ncf::app {

/// Flags that every command has.
std::vector<Flag> common_flags();

std::string program_help();
std::string command_help(const Command& command);

/// This program, the libraries it runs with, and the instruction set in use.
std::string versions();

}  // namespace ncf::app
