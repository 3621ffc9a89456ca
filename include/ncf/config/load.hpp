#pragma once
/// Reading a configuration: command line beats file beats default.
///
/// Every function throws Error{usage} for what it cannot use, naming the key, its place (file:line or
/// "command line"), what the key takes, and for unknown names the nearest valid one.

#include <map>
#include <span>
#include <string>

#include "ncf/config/config.hpp"

namespace ncf {

/// A key and its value as given on the command line: YAML, or just the text where the key takes text.
struct Assignment {
  std::string key;
  std::string value;
};

/// Where keys were set: key → "ml.yaml:12" or "command line". Keys that have their default are absent.
using Places = std::map<std::string, std::string>;

struct LoadedConfig {
  Config config;
  Places places;
};

/// The configuration of `file` (none when empty) and of the command line, checked (check.hpp).
LoadedConfig load_config(const std::string& file, std::span<const Assignment> assignments);

/// The same over a stored configuration, that of a checkpoint, in place of the defaults; `source` stands for
/// it in messages. Keys that only it sets are not among the places.
LoadedConfig load_config_over(const std::string& stored, const std::string& source, const std::string& file,
                              std::span<const Assignment> assignments);

/// The keys of `file` and of the command line alone, without the rules between keys: they are to be laid over
/// a configuration that is not known yet.
LoadedConfig read_keys(const std::string& file, std::span<const Assignment> assignments);

/// The configuration of a YAML text; `source` stands for it in messages.
LoadedConfig config_from_yaml(const std::string& text, const std::string& source);

}  // namespace ncf
