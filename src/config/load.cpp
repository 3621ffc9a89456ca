#include "ncf/config/load.hpp"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "config/values.hpp"
#include "ncf/config/check.hpp"
#include "ncf/config/nearest.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

const std::string command_line = "command line";

[[noreturn]] void fail(const std::string& place, const std::string& what) {
  throw Error(ErrorKind::usage, place + ": " + what);
}

std::string at_line(const std::string& source, const YAML::Mark& mark) {
  return mark.is_null() ? source : source + ":" + std::to_string(mark.line + 1);
}

/// Sets keys from one source, a file or the command line, in which no key may stand twice.
class Reader {
 public:
  Reader(Fields& fields, Places& places, std::string source)
      : fields_(fields), places_(places), source_(source) {}

  /// The keys of a section; the section without a name is the whole configuration.
  void section(const std::string& key, const YAML::Node& node, const std::string& place) {
    if (node.IsNull()) return;  // "train:" with nothing but comments below it
    if (!node.IsMap())
      fail(place, (key.empty() ? "it" : key) + " is a section and takes keys, not " + shown(node));
    for (const auto& pair : node) {
      const std::string here = place == command_line ? place : at_line(source_, pair.first.Mark());
      if (!pair.first.IsScalar()) fail(here, shown(pair.first) + " is not a key");
      const std::string name = pair.first.Scalar();
      if (name.find('.') != std::string::npos)
        fail(here,
             "key " + name + ": in YAML the keys of a section stand indented below its name, without dots");
      set(key.empty() ? name : key + "." + name, pair.second, here);
    }
  }

  void set(const std::string& key, const YAML::Node& node, const std::string& place) {
    const Field* field = fields_.find(key);
    if (!field && !fields_.find_section(key)) unknown(key, place);
    // On the command line, sections may be given next to their keys: only what sets a value counts.
    if ((field || place != command_line) && !seen_.insert({key, place}).second)
      fail(place, key + " is given twice" + (place == command_line ? "" : ", before at " + seen_[key]));
    if (!field) return section(key, node, place);
    if (const Problem problem = field->read(node))
      fail(place, key + ": " + *problem + "; it takes " + field->takes);
    places_[key] = place;
  }

 private:
  [[noreturn]] void unknown(const std::string& key, const std::string& place) const {
    fail(place, "unknown key " + key + nearest_hint(key, fields_.keys()) +
                    " (ncf_dist config --reference lists all)");
  }

  Fields& fields_;
  Places& places_;
  std::string source_;
  std::map<std::string, std::string> seen_;  // key → place
};

std::string file_text(const std::string& file) {
  try {
    std::ifstream in;
    in.exceptions(std::ios::failbit | std::ios::badbit);
    in.open(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  } catch (const std::ios_base::failure&) {  // a directory opens, but does not read
    fail(file, "cannot read the configuration: " + std::string(std::strerror(errno)));
  }
}

void read_document(const std::string& text, const std::string& source, Fields& fields, Places& places) {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.empty()) return;
    if (documents.size() > 1) fail(source, "holds several YAML documents; a configuration is one");
    Reader(fields, places, source).section("", documents.front(), source);
  } catch (const YAML::Exception& e) {
    fail(at_line(source, e.mark), "not YAML: " + e.msg);
  }
}

void read_assignments(std::span<const Assignment> assignments, Fields& fields, Places& places) {
  Reader reader(fields, places, command_line);
  for (const auto& [key, value] : assignments) {
    const Field* field = fields.find(key);
    try {
      reader.set(key, field && field->is_text ? YAML::Node(value) : YAML::Load(value), command_line);
    } catch (const YAML::Exception& e) {
      fail(command_line, key + ": '" + value + "' is not YAML: " + e.msg);
    }
  }
}

}  // namespace

LoadedConfig load_config(const std::string& file, std::span<const Assignment> assignments) {
  LoadedConfig loaded = read_keys(file, assignments);
  check(loaded.config, loaded.places);
  return loaded;
}

LoadedConfig load_config_over(const std::string& stored, const std::string& source, const std::string& file,
                              std::span<const Assignment> assignments) {
  LoadedConfig loaded;
  Fields fields(loaded.config);
  Places below;
  read_document(stored, source, fields, below);
  if (!file.empty()) read_document(file_text(file), file, fields, loaded.places);
  read_assignments(assignments, fields, loaded.places);
  Places all = loaded.places;
  all.merge(below);
  check(loaded.config, all);
  return loaded;
}

LoadedConfig read_keys(const std::string& file, std::span<const Assignment> assignments) {
  LoadedConfig loaded;
  Fields fields(loaded.config);
  if (!file.empty()) read_document(file_text(file), file, fields, loaded.places);
  read_assignments(assignments, fields, loaded.places);
  return loaded;
}

LoadedConfig config_from_yaml(const std::string& text, const std::string& source) {
  LoadedConfig loaded;
  Fields fields(loaded.config);
  read_document(text, source, fields, loaded.places);
  check(loaded.config, loaded.places);
  return loaded;
}

}  // namespace ncf
