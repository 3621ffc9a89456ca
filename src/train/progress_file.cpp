#include "ncf/train/progress_file.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ncf/io/durable.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {
namespace {

using json = nlohmann::ordered_json;

constexpr auto every = std::chrono::seconds(1);

json number(std::optional<double> value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

std::optional<double> optional_number(const json& j) {
  return j.is_number() ? std::optional(j.get<double>()) : std::nullopt;
}

}  // namespace

std::string to_json(const RunProgress& p) {
  json hosts = json::array(), ranks = json::array();
  for (const std::string& host : p.hosts)
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  for (std::size_t r = 0; r < p.hosts.size(); ++r) {
    const auto host = std::find(hosts.begin(), hosts.end(), p.hosts[r]) - hosts.begin();
    json rank = {{"host", host}};
    if (r < p.ranks.size())
      rank.update({{"own_s", p.ranks[r].own_s},
                   {"wall_s", p.ranks[r].wall_s},
                   {"memory_bytes", p.ranks[r].memory_bytes}});
    ranks.push_back(rank);
  }
  const json j = {{"state", p.state},
                  {"started", p.started},
                  {"written", p.written},
                  {"epoch", p.epoch},
                  {"epochs", p.epochs},
                  {"step", p.step},
                  {"steps", p.steps},
                  {"samples_per_s", number(p.samples_per_s)},
                  {"seconds", p.seconds},
                  {"left_s", number(p.left_s)},
                  {"limit_left_s", number(p.limit_left_s)},
                  {"limit", p.limit},
                  {"hosts", hosts},
                  {"ranks", ranks}};
  return j.dump() + "\n";
}

std::optional<RunProgress> progress_from_json(const std::string& text) try {
  const json j = json::parse(text);
  RunProgress p;
  p.state = j.at("state");
  p.started = j.at("started");
  p.written = j.at("written");
  p.epoch = j.at("epoch");
  p.epochs = j.at("epochs");
  p.step = j.at("step");
  p.steps = j.at("steps");
  p.samples_per_s = optional_number(j.at("samples_per_s")).value_or(0);
  p.seconds = j.at("seconds");
  p.left_s = optional_number(j.at("left_s"));
  p.limit_left_s = optional_number(j.at("limit_left_s"));
  p.limit = j.at("limit");
  for (const json& rank : j.at("ranks")) {
    p.hosts.push_back(j.at("hosts").at(rank.at("host").get<std::size_t>()));
    if (rank.contains("own_s"))
      p.ranks.push_back(
          {.own_s = rank.at("own_s"), .wall_s = rank.at("wall_s"), .memory_bytes = rank.at("memory_bytes")});
  }
  return p;
} catch (const json::exception&) {
  return {};
}

ProgressFile::ProgressFile(const std::string& dir, RunProgress first)
    : path_(dir + "/progress.json"), now_(std::move(first)) {
  set_step(now_.step);
  now_.started = utc_now();
  begun_s_ = now_s();
  write();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    while (!wake.wait_for(lock, stop, every, [&] { return stop.stop_requested(); })) {
      if (stop.stop_requested()) return;
      write();
    }
  });
}

ProgressFile::~ProgressFile() {
  if (thread_.joinable()) end("failed");
}

void ProgressFile::end(const std::string& reason) {
  thread_.request_stop();
  thread_.join();
  change([&](RunProgress& p) { p.state = reason; });
  write();
}

void ProgressFile::write() {
  std::string text;
  change([&](RunProgress& p) {
    p.written = utc_now();
    p.seconds = now_s() - begun_s_;
    p.step = step_.load(std::memory_order_relaxed);
    if (p.epochs > 0) p.epoch = std::min(p.epochs, p.step / (p.steps / p.epochs) + 1);
    text = to_json(p);
  });
  const std::string partial = partial_path(path_);
  {
    std::ofstream out(partial, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) return;
  }
  std::rename(partial.c_str(), path_.c_str());
}

}  // namespace ncf
