#include "ncf/train/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ncf/comm/session.hpp"
#include "ncf/config/allocation.hpp"
#include "ncf/io/digest.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/cgroup.hpp"
#include "ncf/util/target.hpp"
#include "ncf/util/version.hpp"

namespace ncf {
namespace {

/// Clocks of ranks that leave a barrier together are read within milliseconds; crowded ranks may be late.
constexpr double clocks_apart_s = 2;

using Cpus = std::set<int>;
using Node = std::vector<RankPlace>;

/// "0-3,8" as numbers.
Cpus parse_cpus(const std::string& list) {
  Cpus cpus;
  const char *at = list.data(), *end = at + list.size();
  while (at < end) {
    int first = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc()) break;
    int last = first;
    if (next < end && *next == '-') next = std::from_chars(next + 1, end, last).ptr;
    for (int cpu = first; cpu <= last; ++cpu) cpus.insert(cpu);
    at = next + 1;
  }
  return cpus;
}

std::string count(double number, const std::string& thing) {
  return fmt::format("{:g} {}{}", number, thing, number == 1 ? "" : "s");
}

/// " and 3 other hosts"
std::string and_others(std::size_t others) {
  return others == 0 ? "" : fmt::format(" and {} other host{}", others, others == 1 ? "" : "s");
}

/// What of the node is crowded, if anything: of the CPUs that all its ranks together may run on, and of those
/// that some rank is bound to.
std::string crowd(const Node& node) {
  std::set<Cpus> places;
  Cpus all;
  for (const RankPlace& rank : node) {
    const Cpus cpus = parse_cpus(rank.cpus);
    if (cpus.empty()) return "";  // not known
    places.insert(cpus);
    all.insert(cpus.begin(), cpus.end());
  }
  places.insert(all);
  for (const Cpus& place : places) {
    int64_t ranks = 0, threads = 0;
    for (const RankPlace& rank : node) {
      const Cpus cpus = parse_cpus(rank.cpus);
      if (!std::ranges::includes(place, cpus)) continue;
      ++ranks;
      threads += rank.threads;
    }
    auto room = static_cast<double>(place.size());
    if (place == all && node.front().cpu_limit > 0) room = std::min(room, node.front().cpu_limit);
    if (static_cast<double>(threads) > room)
      return fmt::format("{} with {} on {}", count(static_cast<double>(ranks), "rank"),
                         count(static_cast<double>(threads), "thread"), count(room, "CPU"));
  }
  return "";
}

std::string shortage(const Node& node) {
  int64_t needed = 0;
  for (const RankPlace& rank : node) needed += rank.needed_bytes;
  const int64_t allowed = node.front().memory_bytes;
  if (allowed == 0 || needed <= allowed) return "";
  const auto gibibytes = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); };
  return fmt::format("its ranks need {:.3g} GiB of memory and may use {:.3g}", gibibytes(needed),
                     gibibytes(allowed));
}

/// "node1 and 3 other hosts: WHAT" for the first node of which there is something to say.
void say_of_nodes(const std::map<std::string, Node>& nodes, const std::function<std::string(const Node&)>& of,
                  const std::string& advice, std::vector<std::string>& sentences) {
  std::string first, what;
  std::size_t others = 0;
  for (const auto& [host, node] : nodes) {
    const std::string text = of(node);
    if (text.empty()) continue;
    if (first.empty()) {
      first = host;
      what = text;
    } else {
      ++others;
    }
  }
  if (!first.empty()) sentences.push_back(first + and_others(others) + ": " + what + advice);
}

/// "WHAT: A on node1, B on node2 and 3 other hosts" where hosts differ.
void say_of_kinds(const std::map<std::string, Node>& nodes, std::string RankPlace::*member,
                  const std::string& what, const std::string& advice, std::vector<std::string>& sentences) {
  std::map<std::string, std::vector<std::string>> kinds;
  for (const auto& [host, node] : nodes) kinds[node.front().*member].push_back(host);
  if (kinds.size() < 2) return;
  std::vector<std::string> parts;
  for (const auto& [kind, hosts] : kinds)
    parts.push_back(kind + " on " + hosts.front() + and_others(hosts.size() - 1));
  sentences.push_back(fmt::format("{}: {}{}", what, fmt::join(parts, ", "), advice));
}

void say_of_clocks(const std::map<std::string, Node>& nodes, std::vector<std::string>& sentences) {
  const auto clock = [](const auto& entry) { return entry.second.front().clock_s; };
  const auto [early, late] = std::ranges::minmax_element(nodes, {}, clock);
  const double apart = clock(*late) - clock(*early);
  if (apart > clocks_apart_s)
    sentences.push_back(
        fmt::format("the clock of {} is {:.0f} s ahead of that of {}: times in metrics.jsonl "
                    "and time limits are as wrong",
                    late->first, apart, early->first));
}

std::string allowed_cpus() {
  std::ifstream status("/proc/self/status");
  const std::string key = "Cpus_allowed_list:";
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return line.substr(line.find_first_not_of(" \t", key.size()));
  return "";
}

/// The program by its contents, since a version says little while it is being worked on.
std::string own_build() {
  return fmt::format("ncf_dist {} ({}) with {}, oneDNN {}", version(),
                     digest_file("/proc/self/exe", ErrorKind::internal).digest.substr(0, 8),
                     mpi_library_version(), onednn_version());
}

std::string to_text(const RankPlace& place) {
  return nlohmann::json{place.host,         place.cpus,    place.threads,         place.cpu_limit,
                        place.memory_bytes, place.clock_s, place.instruction_set, place.build,
                        place.needed_bytes}
      .dump();
}

RankPlace from_text(const std::string& text) {
  const auto j = nlohmann::json::parse(text);
  return {j[0], j[1], j[2], j[3], j[4], j[5], j[6], j[7], j[8]};
}

}  // namespace

std::map<std::string, int64_t> ranks_by_host(std::span<const std::string> hosts) {
  std::map<std::string, int64_t> ranks;
  for (const std::string& host : hosts) ++ranks[host];
  return ranks;
}

std::string hosts_text(const std::map<std::string, int64_t>& ranks) {
  if (ranks.size() == 1) return ranks.begin()->first;
  const bool alike =
      std::ranges::all_of(ranks, [&](const auto& r) { return r.second == ranks.begin()->second; });
  const std::size_t shown = ranks.size() > 4 ? 3 : ranks.size();
  std::vector<std::string> parts;
  for (const auto& [host, number] : ranks) {
    if (parts.size() == shown) break;
    parts.push_back(alike ? host : fmt::format("{} ({})", host, count(static_cast<double>(number), "rank")));
  }
  std::string text = fmt::format("{}{}", fmt::join(parts, ", "), and_others(ranks.size() - shown));
  if (alike && !ranks.empty())
    text += fmt::format(" ({} each)", count(static_cast<double>(ranks.begin()->second), "rank"));
  return text;
}

std::vector<std::string> misplacements(std::span<const RankPlace> ranks) {
  std::map<std::string, Node> nodes;
  for (const RankPlace& rank : ranks) nodes[rank.host].push_back(rank);
  std::vector<std::string> sentences;
  say_of_nodes(nodes, crowd,
               ", so they wait for each other; fewer of them, or another binding, may be faster", sentences);
  say_of_nodes(nodes, shortage, "; more hosts or fewer ranks a host may be needed", sentences);
  say_of_kinds(nodes, &RankPlace::instruction_set, "instruction sets differ",
               "; results have the bits of this mixture only", sentences);
  say_of_kinds(nodes, &RankPlace::build, "programs or libraries differ",
               "; the same everywhere would be right", sentences);
  if (!nodes.empty()) say_of_clocks(nodes, sentences);
  return sentences;
}

std::vector<std::string> check_placement(Communicator& comm, int64_t threads, int64_t needed_bytes) {
  RankPlace place;
  place.host = host_name();
  place.cpus = allowed_cpus();
  place.threads = threads;
  place.cpu_limit = cgroup_limits().cpus.value_or(0);
  place.memory_bytes = node_memory_bytes();
  place.instruction_set = instruction_set();
  if (comm.node_rank() == 0) place.build = own_build();  // the others of the node run the same file
  place.needed_bytes = needed_bytes;
  comm.barrier();
  place.clock_s = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::vector<RankPlace> ranks;
  for (const std::string& text : comm.all_gather(to_text(place))) ranks.push_back(from_text(text));
  return misplacements(ranks);
}

}  // namespace ncf
