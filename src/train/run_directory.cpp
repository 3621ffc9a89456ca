#include "ncf/train/run_directory.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ncf/checkpoint/read.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/io/durable.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

void write_durably(const std::string& path, const std::string& text) {
  write_file(partial_path(path), text, ErrorKind::usage);
  replace(partial_path(path), path, ErrorKind::usage);
}

/// RUN/earlier-1, or the first of the next ones that is free.
std::string free_directory(const std::string& run) {
  for (int n = 1;; ++n) {
    std::string path = run + "/earlier-" + std::to_string(n);
    if (!fs::exists(path)) return path;
  }
}

/// Whether the line stays when training goes on after `epochs_done` epochs.
bool stays(const std::string& line, int64_t epochs_done) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return false;
  return json.value("event", "") != "epoch" || json.value("epoch", int64_t{0}) <= epochs_done;
}

/// Errors of this file name the key that leads to the directory.
template <class F>
auto naming_the_key(F&& work) try {
  return work();
} catch (const Error& e) {
  throw Error(e.kind(), std::string("run.dir: ") + e.what());
} catch (const fs::filesystem_error& e) {
  throw Error(ErrorKind::usage, std::string("run.dir: ") + e.what());
}

}  // namespace

std::string begin_run_directory(const Config& config) {
  return naming_the_key([&] {
    const std::string& run = config.run.dir;
    make_directories(run, ErrorKind::usage);
    std::string aside;
    if (!find_checkpoints(run + "/checkpoints").empty()) {
      aside = free_directory(run);
      make_directories(aside, ErrorKind::usage);
      // The checkpoints last: until they have moved, this is tried again.
      for (const char* name : {"config.yaml", "metrics.jsonl", "progress.json", "checkpoints"})
        if (fs::exists(run + "/" + name)) replace(run + "/" + name, aside + "/" + name, ErrorKind::usage);
    } else {
      remove_all(run + "/metrics.jsonl", ErrorKind::usage);
    }
    write_durably(run + "/config.yaml", to_yaml(config));
    return aside;
  });
}

void continue_run_directory(const Config& config, int64_t epochs_done) {
  naming_the_key([&] {
    write_durably(config.run.dir + "/config.yaml", to_yaml(config));
    const std::string path = config.run.dir + "/metrics.jsonl";
    if (!fs::exists(path)) return;
    const std::string before = read_file(path, ErrorKind::usage);
    std::string after;
    std::istringstream lines(before);
    for (std::string line; std::getline(lines, line);)
      if (stays(line, epochs_done)) after += line + "\n";
    if (after != before) write_durably(path, after);
  });
}

}  // namespace ncf
