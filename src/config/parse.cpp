#include "ncf/config/parse.hpp"

#include <sched.h>

#include <boost/program_options.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "config/fields.hpp"
#include "config/values.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

namespace po = boost::program_options;

const std::vector<std::string> commands = {"train", "prepare", "config"};

[[noreturn]] void usage_error(const std::string& message) {
  throw Error(ErrorKind::usage, message);
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& among) {
  const std::string near = nearest(name, among);
  return near.empty() ? "; `ncf_dist config --reference` lists all" : "; did you mean " + near + "?";
}

void set_field(const Field& field, const YAML::Node& node, const std::string& shown, const std::string& where) {
  try {
    field.read(node);
  } catch (const Mismatch& m) {
    usage_error(field.key + ": " + shown + " is not " + m.expected + " (" + where + ")");
  }
}

std::string shown(const YAML::Node& node) {
  YAML::Emitter out;
  out.SetMapFormat(YAML::Flow);
  out.SetSeqFormat(YAML::Flow);
  out << node;
  return std::string("\"") + out.c_str() + "\"";
}

/// Walks a YAML map; `prefix` is the key so far with its dot.
void apply_map(const YAML::Node& map, const std::string& prefix, const std::vector<Field>& all,
               const std::string& file, std::set<std::string>& seen) {
  for (const auto& pair : map) {
    const std::string key = prefix + pair.first.Scalar();
    const std::string where = file + ":" + std::to_string(pair.first.Mark().line + 1);
    if (!seen.insert(key).second) usage_error(key + " stands twice (" + where + ")");
    const auto exact = std::ranges::find(all, key, &Field::key);
    if (exact != all.end()) {
      set_field(*exact, pair.second, shown(pair.second), where);
      continue;
    }
    const bool section =
        std::ranges::any_of(all, [&](const Field& f) { return f.key.starts_with(key + "."); });
    if (!section) {
      std::vector<std::string> names;
      for (const Field& f : all) names.push_back(f.key);
      usage_error("unknown key " + key + " (" + where + ")" + did_you_mean(key, names));
    }
    if (pair.second.IsNull()) continue;  // an empty section
    if (!pair.second.IsMap()) usage_error(key + " is a section: keys belong under it (" + where + ")");
    apply_map(pair.second, key + ".", all, file, seen);
  }
}

void apply_yaml(const std::string& text, const std::string& name, Config& config) {
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return;
    if (!root.IsMap()) usage_error(name + ": not a map of keys");
    std::set<std::string> seen;
    apply_map(root, "", fields(config), name, seen);
  } catch (const YAML::Exception& e) {
    usage_error(name + ":" + std::to_string(e.mark.line + 1) + ": not valid YAML: " + e.msg);
  }
}

std::string file_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  if (!in || !(text << in.rdbuf()))
    usage_error("--config " + path + ": cannot be read; give a YAML file (examples are in configs/)");
  return text.str();
}

}  // namespace

Invocation parse_arguments(const std::vector<std::string>& arguments) {
  Invocation out;
  std::vector<std::string> rest = arguments;
  if (!rest.empty() && !rest[0].starts_with('-')) {
    out.command = rest[0];
    rest.erase(rest.begin());
    if (std::ranges::find(commands, out.command) == commands.end())
      usage_error("unknown command " + out.command + ": there are train, prepare and config" +
                  (nearest(out.command, commands).empty() ? "" : "; did you mean " + nearest(out.command, commands) + "?"));
  }
  po::options_description options;
  options.add_options()("help", "")("version", "")("config", po::value<std::string>());
  if (out.command == "config") options.add_options()("reference", "");
  if (out.command == "prepare") options.add_options()("output", po::value<std::string>());
  std::vector<Field> all = fields(out.config);
  for (const Field& f : all) options.add_options()(f.key.c_str(), po::value<std::string>());

  po::variables_map given;
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    const auto parsed = po::command_line_parser(rest).options(options).style(style).allow_unregistered().run();
    for (const auto& option : parsed.options) {
      if (!option.unregistered && option.position_key == -1) continue;
      std::vector<std::string> names = {"--help", "--version", "--config"};
      for (const Field& f : all) names.push_back("--" + f.key);
      const std::string token = option.original_tokens.empty() ? option.string_key : option.original_tokens[0];
      const std::string name = token.substr(0, token.find('='));
      usage_error((name.starts_with('-') ? "unknown flag " : "unexpected argument ") + name + did_you_mean(name, names));
    }
    po::store(parsed, given);
  } catch (const po::error& e) {
    usage_error(std::string("command line: ") + e.what());
  }
  out.help = given.contains("help");
  out.version = given.contains("version");
  out.reference = given.contains("reference");
  if (given.contains("output")) out.output = given["output"].as<std::string>();
  if (given.contains("config")) {
    const std::string path = given["config"].as<std::string>();
    apply_yaml(file_text(path), path, out.config);
  }
  for (const Field& f : all) {
    if (!given.contains(f.key)) continue;
    const std::string text = given[f.key].as<std::string>();
    YAML::Node node;
    try {
      node = YAML::Load(text);
    } catch (const YAML::Exception&) {
      node = YAML::Node(text);
    }
    if (node.IsMap() && !text.starts_with('{')) node = YAML::Node(text);  // "a: b" is text, not a map
    set_field(f, node, "\"" + text + "\"", "command line");
  }
  check_together(out.config);
  return out;
}

Config config_from_yaml(const std::string& text, const std::string& name) {
  Config config;
  apply_yaml(text, name, config);
  check_together(config);
  return config;
}

std::string to_yaml(const Config& config) {
  Config copy = config;
  std::string out;
  std::vector<std::string> open;
  for (const Field& f : fields(copy)) {
    std::vector<std::string> path;
    std::stringstream parts(f.key);
    for (std::string part; std::getline(parts, part, '.');) path.push_back(part);
    std::size_t common = 0;
    while (common + 1 < path.size() && common < open.size() && open[common] == path[common]) ++common;
    open.assign(path.begin(), path.end() - 1);
    for (std::size_t i = common; i + 1 < path.size(); ++i) out += std::string(2 * i, ' ') + path[i] + ":\n";
    out += std::string(2 * (path.size() - 1), ' ') + path.back() + ": " + f.write() + "\n";
  }
  return out;
}

std::string reference_page() {
  Config defaults;
  std::string out =
      "# Configuration reference\n\nMade by `ncf_dist config --reference`. Every key goes into a YAML file "
      "(`--config FILE`) or on the command line (`--train.epochs 20`); the command line wins.\n";
  std::string section;
  for (const Field& f : fields(defaults)) {
    const std::string of = f.key.substr(0, f.key.find('.'));
    if (of != section) {
      section = of;
      out += "\n## " + section + "\n\n| key | default | bounds | meaning |\n| --- | --- | --- | --- |\n";
    }
    std::string help = f.help;
    for (std::size_t at = 0; (at = help.find('|', at)) != std::string::npos; at += 2) help.replace(at, 1, "\\|");
    out += "| `" + f.key + "` | `" + f.write() + "` | " + f.bounds + " | " + help + " |\n";
  }
  return out;
}

std::string help_page(const std::string& command) {
  std::string out =
      "ncf_dist: distributed training of neural collaborative filtering models on CPUs\n\n"
      "  mpirun -n 8 ncf_dist --config ml.yaml                    train (the default command)\n"
      "  mpirun -n 2 ncf_dist train --data.path DIR --train.epochs 20\n"
      "  ncf_dist prepare --data.path DIR --output ratings.h5     ratings in any format -> one HDF5 data set\n"
      "  ncf_dist config [--config FILE] [--KEY VALUE ...]        the effective configuration\n"
      "  ncf_dist config --reference                              every key, as a page\n\n"
      "  --config FILE   read keys from a YAML file        --help      this\n"
      "  --KEY VALUE     set a key, over the file's        --version   this program and its libraries\n";
  if (command == "prepare") out += "  --output FILE   where the data set goes\n";
  out += "\nKeys and their defaults:\n";
  Config defaults;
  for (const Field& f : fields(defaults)) {
    std::string left = "  --" + f.key + " " + f.write();
    left.resize(std::max<std::size_t>(left.size() + 2, 44), ' ');
    out += left + f.help + "\n";
  }
  out += "\nExit codes: 0 done, 2 usage, 3 data, 4 checkpoint, 5 a rank lost, 6 diverged, 70 internal error\n";
  return out;
}

int64_t resolve_threads(const RunConfig& run, int node_size) {
  if (run.threads > 0) return run.threads;
  cpu_set_t mine;
  const int64_t cores = sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : 1;
  return std::max<int64_t>(1, cores / node_size);
}

}  // namespace ncf
