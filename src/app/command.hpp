#pragma once
/// A subcommand: its name, its help, and what it does. One file each; commands() lists them.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/command_line.hpp"
#include "ncf/config/load.hpp"

namespace ncf::app {

struct Command {
  std::string name;
  std::string summary;      ///< one line
  std::string description;  ///< of its --help: what it does, and examples
  std::vector<Flag> flags;  ///< its own
  bool shows_keys = true;   ///< --help lists the main keys
  Takes takes;              ///< configuration keys, an operand
  /// Its keys are laid over the configuration of a checkpoint, by the command itself; the Config it is given
  /// has defaults below them and is not checked.
  bool over_checkpoint = false;
  /// A command that just prints: the text, without any communication. Or else:
  std::string (*print)(const CommandLine&, const LoadedConfig&) = nullptr;
  /// A command that works; returns the exit code. Collective.
  int (*run)(const CommandLine&, const Config&, Communicator&) = nullptr;
};

Command train_command();
Command prepare_command();
Command evaluate_command();
Command inspect_command();
Command top_command();
Command config_command();
Command bench_command();
Command plan_command();

/// The first one is the default.
std::vector<Command> commands();

}  // namespace ncf::app
