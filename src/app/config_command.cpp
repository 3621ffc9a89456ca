#include "app/command.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/config/reference.hpp"

namespace ncf::app {

Command config_command() {
  Command command;
  command.name = "config";
  command.summary = "prints the configuration that these arguments make, or the reference of all keys";
  command.description =
      R"(Prints the effective configuration as YAML: what `ncf_dist` with the same arguments would use.

  ncf_dist config                                    the defaults
  ncf_dist config --config ml.yaml --train.lr 1e-3 > mine.yaml
  ncf_dist config --reference                        every key: what it takes, its default, its meaning
)";
  command.flags = {{"reference", "", "print the page of all keys (docs/reference.md) instead"}};
  command.shows_keys = false;
  command.print = [](const CommandLine& line, const LoadedConfig& loaded) {
    return line.flags.contains("reference") ? reference_page() : to_yaml(loaded.config);
  };
  return command;
}

}  // namespace ncf::app
