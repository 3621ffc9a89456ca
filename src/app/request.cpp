#include "app/request.hpp"

#include "app/help.hpp"
#include "ncf/config/nearest.hpp"
#include "ncf/util/error.hpp"

namespace ncf::app {
namespace {

[[noreturn]] void unknown_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.push_back(command.name);
  std::string hint = nearest_hint(name, names);
  if (name.ends_with(".yaml") || name.ends_with(".yml"))
    hint = "; a configuration is given as --config " + name;
  throw Error(ErrorKind::usage,
              "command line: unknown command " + name + hint + " (ncf_dist --help lists them)");
}

Command find_command(const std::string& name) {
  for (Command& command : commands())
    if (command.name == name) return command;
  unknown_command(name);
}

}  // namespace

std::vector<Command> commands() {
  return {train_command(), prepare_command(), evaluate_command(), inspect_command(),
          top_command(),   plan_command(),    bench_command(),    config_command()};
}

Request understand(std::span<const std::string> arguments) {
  const bool named = !arguments.empty() && !arguments.front().starts_with('-');
  Request request;
  request.command = named ? find_command(arguments.front()) : commands().front();
  if (named) arguments = arguments.subspan(1);

  const Takes& takes = request.command.takes;
  auto flags = common_flags(takes.keys);
  flags.insert(flags.end(), request.command.flags.begin(), request.command.flags.end());
  request.line = parse_command_line(arguments, flags, takes);
  const auto& given = request.line.flags;
  if (given.contains("help")) {
    request.text = named ? command_help(request.command) : program_help();
  } else if (given.contains("version")) {
    request.text = versions();
  } else {
    const auto file = given.find("config");
    if (file != given.end() && file->second.empty())
      throw Error(ErrorKind::usage, "command line: --config takes the name of a file, not an empty one");
    if (!takes.operand.empty() && request.line.operand.empty())
      throw Error(ErrorKind::usage, "command line: " + request.command.name + " needs " + takes.operand +
                                        " (ncf_dist " + request.command.name + " --help)");
    const auto load = request.command.over_checkpoint ? read_keys : load_config;
    request.loaded = load(file == given.end() ? "" : file->second, request.line.keys);
    if (request.command.print) request.text = request.command.print(request.line, request.loaded);
  }
  return request;
}

}  // namespace ncf::app
