#include "ncf/train/run_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "ncf/io/durable.hpp"
#include "ncf/train/placement.hpp"
#include "ncf/train/slow_rank.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

/// NFS shows what is a minute old, by its defaults.
constexpr double silent_for_s = 90;
constexpr std::size_t most_ranks_shown = 16;
constexpr double mebibyte = 1048576;

std::optional<std::string> text_of(const std::string& path) {
  try {
    return read_file(path, ErrorKind::usage);
  } catch (const Error&) {
    return {};  // not there, or replaced at this moment
  }
}

double age_of(const std::string& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return 0;
  return std::max(0.0, std::chrono::duration<double>(fs::file_time_type::clock::now() - written).count());
}

void read_metrics(const std::string& text, RunView& view) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto j = nlohmann::json::parse(line, nullptr, false);
    if (!j.is_object()) continue;
    const std::string event = j.value("event", "");
    view.end_reason = event == "end" ? j.value("reason", "") : "";
    if (event == "epoch") view.last_epoch = line;
  }
}

std::string state_text(const RunView& v) {
  if (v.stale())
    return fmt::format("stale: nothing heard for {}; killed, or its host is gone", duration_text(v.age_s));
  const std::string state = v.end_reason.empty() && v.progress ? v.progress->state : v.end_reason;
  if (state == "finished") return "finished";
  if (state == "failed") return "failed: its log tells why";
  if (v.ended()) return fmt::format("ended ({}): --resume goes on from there", state);
  if (!v.progress) return "no progress.json: not begun yet, or of an earlier version";
  return fmt::format("{}, epoch {} of {}", state, v.progress->epoch, v.progress->epochs);
}

std::string bar(int64_t done, int64_t all) {
  constexpr int64_t width = 30;
  std::string text;
  for (int64_t i = 0; i < width; ++i) text += all > 0 && i < done * width / all ? "━" : "╌";
  return text;
}

std::string time_text(const RunProgress& p) {
  std::string text = duration_text(p.seconds) + " since its start";
  if (p.left_s) text += fmt::format(", about {} left", duration_text(*p.left_s));
  if (!p.limit_left_s) return text;
  text += fmt::format("; {} until {}", duration_text(std::max(0.0, *p.limit_left_s)), p.limit);
  return p.left_s && *p.left_s > *p.limit_left_s ? text + ": it will not fit" : text;
}

std::string epoch_text(const std::string& line) {
  const auto j = nlohmann::json::parse(line, nullptr, false);
  const auto value = [](const nlohmann::json& from, const char* key) {
    return from.contains(key) && from[key].is_number() ? fmt::format("{:.4f}", from[key].get<double>())
                                                       : std::string("–");
  };
  std::string text =
      fmt::format("  epoch {:<4}train loss {}", j.value("epoch", int64_t{0}), value(j, "train_loss"));
  if (j.contains("valid") && j["valid"].is_object())
    for (const auto& [name, number] : j["valid"].items())
      text += fmt::format(", valid {} {}", name, value(j["valid"], name.c_str()));
  return text + "\n";
}

/// The ranks in the order of how busy they are.
std::vector<std::size_t> busiest(const std::vector<RankProgress>& ranks) {
  std::vector<std::size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return ranks[a].own_s > ranks[b].own_s; });
  return order;
}

std::string ranks_text(const RunProgress& p) {
  std::string text =
      fmt::format("  ranks     {} on {}\n", p.hosts.size(), hosts_text(ranks_by_host(p.hosts)));
  if (p.ranks.empty() || p.ranks.size() != p.hosts.size()) return text;
  std::vector<double> own;
  int64_t memory = 0;
  for (const RankProgress& rank : p.ranks) {
    own.push_back(rank.own_s);
    memory += rank.memory_bytes;
  }
  if (const auto slow = slowest_rank(own, p.ranks.front().wall_s))
    text += fmt::format(
        "  slowest   rank {} on {}: {:.1f} times the others' time; they wait for it {:.0f} % of the time\n",
        slow->rank, p.hosts[slow->rank], slow->times, 100 * slow->share);
  const auto most = std::ranges::max_element(p.ranks, {}, &RankProgress::memory_bytes);
  const auto most_rank = static_cast<std::size_t>(most - p.ranks.begin());
  text += fmt::format("  memory    {:.1f} MiB a rank, most {:.1f} MiB (rank {} on {})\n\n",
                      static_cast<double>(memory) / mebibyte / static_cast<double>(p.ranks.size()),
                      static_cast<double>(most->memory_bytes) / mebibyte, most_rank, p.hosts[most_rank]);
  const auto order = busiest(p.ranks);
  text += fmt::format("  {:>5}  {:<20} {:>6} {:>12}\n", "rank", "host", "busy", "memory");
  for (std::size_t k = 0; k < std::min(order.size(), most_ranks_shown); ++k) {
    const RankProgress& rank = p.ranks[order[k]];
    text += fmt::format("  {:>5}  {:<20} {:>4.0f} % {:>8.1f} MiB\n", order[k], p.hosts[order[k]],
                        rank.wall_s > 0 ? 100 * rank.own_s / rank.wall_s : 0,
                        static_cast<double>(rank.memory_bytes) / mebibyte);
  }
  if (order.size() > most_ranks_shown)
    text += fmt::format("  and {} less busy ones\n", order.size() - most_ranks_shown);
  return text;
}

}  // namespace

bool RunView::ended() const {
  if (!end_reason.empty()) return true;
  if (!progress) return false;
  const std::string& state = progress->state;
  return state != "training" && state != "evaluating" && state != "saving";
}

bool RunView::stale() const {
  return progress && !ended() && age_s > silent_for_s;
}

RunView look_at_run(const std::string& dir) {
  RunView view;
  view.dir = dir;
  const std::string path = dir + "/progress.json";
  const auto progress = text_of(path);
  const auto metrics = text_of(dir + "/metrics.jsonl");
  if (!progress && !metrics)
    throw Error(ErrorKind::usage,
                dir + ": neither progress.json nor metrics.jsonl; top takes the directory of a run");
  if (progress) {
    view.progress = progress_from_json(*progress);
    view.age_s = age_of(path);
  }
  if (metrics) read_metrics(*metrics, view);
  return view;
}

std::string to_text(const RunView& view) {
  std::string text = view.dir + "  " + state_text(view) + "\n";
  if (view.progress) {
    const RunProgress& p = *view.progress;
    text += fmt::format("  {} {:3} %  step {} of {}\n", bar(p.step, p.steps),
                        p.steps > 0 ? 100 * p.step / p.steps : 0, p.step, p.steps);
    if (!view.ended() && !view.stale()) {
      text += fmt::format("  speed     {:.0f} samples/s\n  time      {}\n", p.samples_per_s, time_text(p));
    }
  }
  if (!view.last_epoch.empty()) text += epoch_text(view.last_epoch);
  if (view.progress) text += ranks_text(*view.progress);
  return text;
}

}  // namespace ncf
