#include "ncf/config/command_line.hpp"

#include <boost/program_options.hpp>

#include "ncf/config/nearest.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

namespace po = boost::program_options;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::usage, "command line: " + what);
}

std::string long_name(const Flag& flag) {
  return flag.name.substr(0, flag.name.find(','));
}

/// What goes wrong before a flag's value is looked at.
[[noreturn]] void fail_syntax(const po::error_with_option_name& e, const Fields& fields,
                              std::span<const Flag> flags) {
  std::string name = e.get_option_name();
  name.erase(0, name.find_first_not_of('-'));
  std::string takes = "a value";
  if (const Field* field = fields.find(name)) takes = field->takes;
  if (fields.find_section(name)) takes = "a map such as '{key: value}'";
  for (const Flag& flag : flags)
    if (long_name(flag) == name) takes = flag.takes.empty() ? "no value" : flag.takes;
  fail("--" + name + " takes " + takes +
       (takes == "no value" ? "" : ", which is missing; empty text is written ''"));
}

}  // namespace

CommandLine parse_command_line(std::span<const std::string> arguments, std::span<const Flag> flags) {
  Config config;
  const Fields fields(config);
  auto names = fields.keys();
  po::options_description known;
  for (const auto& name : names) known.add_options()(name.c_str(), po::value<std::string>());
  for (const Flag& flag : flags) {
    names.push_back(long_name(flag));
    if (flag.takes.empty())
      known.add_options()(flag.name.c_str(), "");
    else
      known.add_options()(flag.name.c_str(), po::value<std::string>());
  }

  namespace style = po::command_line_style;
  po::command_line_parser parser(std::vector<std::string>(arguments.begin(), arguments.end()));
  parser.options(known).allow_unregistered().style(style::allow_long | style::long_allow_adjacent |
                                                   style::long_allow_next | style::allow_short |
                                                   style::allow_dash_for_short | style::short_allow_next);
  CommandLine line;
  try {
    for (const auto& option : parser.run().options) {
      if (option.position_key >= 0)
        fail("unexpected '" + option.value.front() + "'; settings are flags, such as --train.epochs 10");
      const std::string& name = option.string_key;
      if (option.unregistered) {
        const auto near = nearest(name, names);
        fail("unknown flag " + option.original_tokens.front() + (near ? ", the nearest is --" + *near : ""));
      }
      if (fields.find(name) || fields.find_section(name))
        line.keys.push_back({name, option.value.front()});
      else if (!line.flags.emplace(name, option.value.empty() ? "" : option.value.front()).second)
        fail("--" + name + " is given twice");
    }
  } catch (const po::error_with_option_name& e) {
    fail_syntax(e, fields, flags);
  } catch (const po::error& e) {
    fail(e.what());
  }
  return line;
}

}  // namespace ncf
