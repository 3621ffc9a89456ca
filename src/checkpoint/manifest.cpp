#include "ncf/checkpoint/manifest.hpp"

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/io/digest.hpp"
#include "ncf/io/durable.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
constexpr const char* format_name = "ncf_dist checkpoint";

/// The first line: it opens the JSON object, and its digest is that of every byte below it.
std::string first_line(const std::string& below) {
  return "{\"xxh3_128_of_the_lines_below\": \"" + digest_of(below) + "\",";
}

Error wrong(const std::string& message) {
  return {ErrorKind::checkpoint, message};
}

/// JSON knows no infinities: they are texts.
Json number_to_json(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double number_from_json(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const auto text = value.get<std::string>();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

Json to_json(const Manifest& manifest) {
  Json json;
  json["format"] = format_name;
  json["format_version"] = checkpoint_format_version;
  json["step"] = manifest.progress.step;
  json["epoch"] = manifest.progress.epoch;
  json["step_in_epoch"] = manifest.progress.step_in_epoch;
  json["seed"] = manifest.seed;
  json["ranks"] = manifest.ranks;
  json["program_version"] = manifest.program_version;
  json["moments"] = {manifest.moments.first, manifest.moments.second};
  json["extra"] = Json::object();
  for (const auto& [name, value] : manifest.extra) json["extra"][name] = number_to_json(value);
  json["extra_text"] = manifest.extra_text;
  json["tables"] = Json::array();
  for (const auto& table : manifest.tables) {
    json["tables"].push_back(
        {{"name", table.name}, {"rows", table.rows}, {"width", table.width}, {"bias", table.has_bias}});
    if (table.gmf_width > 0) json["tables"].back()["gmf_width"] = table.gmf_width;
  }
  json["files"] = Json::array();
  for (const auto& file : manifest.files)
    json["files"].push_back({{"name", file.name}, {"bytes", file.bytes}, {"xxh3_128", file.digest}});
  return json;
}

Manifest from_json(const Json& json) {
  Manifest manifest;
  json.at("step").get_to(manifest.progress.step);
  json.at("epoch").get_to(manifest.progress.epoch);
  json.at("step_in_epoch").get_to(manifest.progress.step_in_epoch);
  json.at("seed").get_to(manifest.seed);
  json.at("ranks").get_to(manifest.ranks);
  json.at("program_version").get_to(manifest.program_version);
  json.at("moments").at(0).get_to(manifest.moments.first);
  json.at("moments").at(1).get_to(manifest.moments.second);
  for (const auto& [name, value] : json.at("extra").items()) manifest.extra[name] = number_from_json(value);
  json.at("extra_text").get_to(manifest.extra_text);
  for (const auto& table : json.at("tables"))
    manifest.tables.push_back({table.at("name"), table.at("rows"), table.at("width"), table.at("bias"),
                               table.value("gmf_width", int64_t{0})});
  for (const auto& file : json.at("files"))
    manifest.files.push_back({file.at("name"), file.at("bytes"), file.at("xxh3_128")});
  return manifest;
}

/// The version is looked at before anything else: a later one may differ in all the rest.
void check_version(const Json& json, const std::string& path) {
  if (json.value("format", "") != format_name) throw wrong(path + ": is not the manifest of a checkpoint");
  const auto version = json.at("format_version").get<int64_t>();
  if (version < 1 || version > checkpoint_format_version)
    throw wrong(path + ": has format version " + std::to_string(version) +
                "; this program reads versions up to " + std::to_string(checkpoint_format_version));
}

}  // namespace

int64_t Manifest::bytes() const {
  int64_t sum = 0;
  for (const auto& file : files) sum += file.bytes;
  return sum;
}

std::string manifest_text(const Manifest& manifest) {
  const std::string below =
      to_json(manifest).dump(2, ' ', false, Json::error_handler_t::replace).substr(2) + "\n";
  return first_line(below) + "\n" + below;
}

Manifest parse_manifest(const std::string& text, const std::string& path) {
  const auto line = text.find('\n');
  if (line == std::string::npos) throw wrong(path + ": is cut short");
  const std::string below = text.substr(line + 1);
  if (text.substr(0, line) != first_line(below))
    throw wrong(path + ": is damaged: its text does not fit the digest in its first line");
  try {
    const Json json = Json::parse(text);
    check_version(json, path);
    return from_json(json);
  } catch (const Json::exception& e) {
    throw wrong(path + ": " + e.what());
  }
}

Manifest read_manifest(const std::string& directory) {
  const std::string path = directory + "/" + manifest_name;
  return parse_manifest(read_file(path, ErrorKind::checkpoint), path);
}

void check_sizes(const std::string& directory, const Manifest& manifest) {
  std::set<std::string> names;
  for (const auto& file : manifest.files) {
    names.insert(file.name);
    const std::string path = directory + "/" + file.name;
    std::error_code error;
    const auto found = fs::file_size(path, error);
    if (error) throw_system_error(ErrorKind::checkpoint, "read", path, error.value());
    if (static_cast<int64_t>(found) != file.bytes)
      throw wrong(path + ": has " + std::to_string(found) + " bytes, expected " + std::to_string(file.bytes));
  }
  for (int64_t shard = 0; shard < manifest.ranks; ++shard)
    if (!names.contains(shard_name(shard, manifest.ranks)))
      throw wrong(directory + "/" + manifest_name + ": does not name " + shard_name(shard, manifest.ranks));
  if (!names.contains(model_name) || manifest.ranks < 1)
    throw wrong(directory + "/" + manifest_name + ": does not name " + model_name + " and its shards");
}

void check_digest(const std::string& directory, const FileRecord& file) {
  const std::string path = directory + "/" + file.name;
  const auto found = digest_file(path, ErrorKind::checkpoint);
  if (found.bytes != file.bytes)
    throw wrong(path + ": has " + std::to_string(found.bytes) + " bytes, expected " +
                std::to_string(file.bytes));
  if (found.digest != file.digest)
    throw wrong(path + ": is damaged: its digest is " + found.digest + ", expected " + file.digest);
}

}  // namespace ncf
