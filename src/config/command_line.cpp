#include "ncf/config/command_line.hpp"

#include <algorithm>
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

/// The flags of one command, keys and its own.
class Flags {
 public:
  Flags(std::span<const Flag> own, bool keys) : own_(own), fields_(config_) {
    if (keys) names_ = fields_.keys();
    // A flag of the command hides a section of that name.
    std::erase_if(names_, [&](const std::string& name) { return own_flag(name); });
    for (const auto& name : names_) known_.add_options()(name.c_str(), po::value<std::string>());
    for (const Flag& flag : own_) {
      names_.push_back(long_name(flag));
      if (flag.takes.empty())
        known_.add_options()(flag.name.c_str(), "");
      else
        known_.add_options()(flag.name.c_str(), po::value<std::string>());
    }
  }

  std::vector<po::option> parse(std::span<const std::string> arguments) const {
    namespace style = po::command_line_style;
    po::command_line_parser parser(std::vector<std::string>(arguments.begin(), arguments.end()));
    parser.options(known_).allow_unregistered().style(style::allow_long | style::long_allow_adjacent |
                                                      style::long_allow_next | style::allow_short |
                                                      style::allow_dash_for_short | style::short_allow_next);
    try {
      return parser.run().options;
    } catch (const po::error_with_option_name& e) {
      wrong_value(e.get_option_name());
    } catch (const po::error& e) {
      fail(e.what());
    }
  }

  /// The key or section that a flag sets; empty: none.
  std::string key(const std::string& name) const {
    for (const Flag& flag : own_)
      if (long_name(flag) == name) return flag.key;
    return fields_.find(name) || fields_.find_section(name) ? name : "";
  }

  /// A flag's value; empty for those that take none.
  std::string value(const po::option& option) const {
    if (option.value.empty()) return "";
    const std::string& text = option.value.front();
    // In "--train.epochs --train.lr 0.1" a value was forgotten.
    const bool separate = option.original_tokens.size() > 1;
    if (separate && text.starts_with("--") && std::ranges::count(names_, text.substr(2)) > 0)
      wrong_value(option.string_key);
    return text;
  }

  [[noreturn]] void unknown(const po::option& option) const {
    const auto near = nearest(option.string_key, names_);
    fail("unknown flag " + option.original_tokens.front() + (near ? ", the nearest is --" + *near : ""));
  }

 private:
  bool own_flag(const std::string& name) const {
    return std::ranges::any_of(own_, [&](const Flag& flag) { return long_name(flag) == name; });
  }
  /// The value is missing, or there is one where none is taken.
  [[noreturn]] void wrong_value(std::string name) const {
    name.erase(0, name.find_first_not_of('-'));
    std::string takes = "a value";
    if (const Field* field = fields_.find(name)) takes = field->takes;
    if (fields_.find_section(name)) takes = "a map such as '{key: value}'";
    for (const Flag& flag : own_)
      if (long_name(flag) == name) takes = flag.takes;
    if (takes.empty()) fail("--" + name + " takes no value");
    fail("--" + name + " takes " + takes + ", which is missing; empty text is written ''");
  }

  std::span<const Flag> own_;
  Config config_;
  Fields fields_;
  std::vector<std::string> names_;
  po::options_description known_;
};

}  // namespace

CommandLine parse_command_line(std::span<const std::string> arguments, std::span<const Flag> own_flags,
                               const Takes& takes) {
  const Flags flags(own_flags, takes.keys);
  CommandLine line;
  for (const po::option& option : flags.parse(arguments)) {
    if (option.position_key >= 0 && !takes.operand.empty()) {
      if (!line.operand.empty())
        fail("unexpected '" + option.value.front() + "'; it takes one " + takes.operand + ", which is '" +
             line.operand + "'");
      line.operand = option.value.front();
      continue;
    }
    if (option.position_key >= 0)
      fail("unexpected '" + option.value.front() + "'; settings are flags, such as --train.epochs 10");
    if (option.unregistered) flags.unknown(option);
    const std::string& name = option.string_key;
    if (const std::string key = flags.key(name); !key.empty())
      line.keys.push_back({key, flags.value(option)});
    else if (!line.flags.emplace(name, flags.value(option)).second)
      fail("--" + name + " is given twice");
  }
  return line;
}

}  // namespace ncf
