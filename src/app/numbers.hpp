#pragma once
/// Flags of commands that are numbers, and numbers for people.

#include <string>

#include "ncf/config/command_line.hpp"
#include "ncf/util/number_text.hpp"

namespace ncf::app {

/// The value of a flag, above 0, or the default. Error{usage}, agreed, says what it takes.
double number_flag(const CommandLine& line, const std::string& flag, double otherwise,
                   const std::string& takes);

}  // namespace ncf::app
