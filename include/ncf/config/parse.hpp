#pragma once
/// From arguments and a YAML file to a Config, and back to text. Command line beats file beats default. Every problem
/// is an Error{usage} that names the key, where it stands, what would be right, and the nearest valid name.

#include <string>
#include <vector>

#include "ncf/config/config.hpp"

namespace ncf {

struct Invocation {
  std::string command = "train";
  Config config;
  bool help = false, version = false;
  bool reference = false;    ///< config --reference
  std::string output;        ///< prepare --output
};

/// `arguments` without the program's name.
Invocation parse_arguments(const std::vector<std::string>& arguments);

/// The configuration as YAML, every key; parse(to_yaml(c)) is c.
std::string to_yaml(const Config& config);
/// A configuration from YAML text; `name` stands for the file in messages.
Config config_from_yaml(const std::string& text, const std::string& name);

/// The page of every key: default, bounds, help (Markdown).
std::string reference_page();
/// --help.
std::string help_page(const std::string& command);

/// Threads a rank uses: run.threads, or with `auto` the cores this process may use divided by the ranks of its node.
int64_t resolve_threads(const RunConfig& run, int node_size);

}  // namespace ncf
