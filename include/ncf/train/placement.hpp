#pragma once
/// Where the ranks of a run are, and what is plainly wrong with that: warnings, never errors.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ncf/comm/communicator.hpp"

namespace ncf {

/// How many ranks each host has, of the host of each rank.
std::map<std::string, int64_t> ranks_by_host(std::span<const std::string> hosts);

/// The same for people: "node1"; "node1, node2 (4 ranks each)"; "node1 (4 ranks), node2 (2 ranks)"; of more
/// than four hosts the first three.
std::string hosts_text(const std::map<std::string, int64_t>& ranks);

/// One rank, as it sees itself.
struct RankPlace {
  std::string host;
  std::string cpus;  // it may run on: "0-3,8", as the kernel writes them
  int64_t threads = 1;
  double cpu_limit = 0;      // CPU seconds a second that control groups allow the node's ranks; 0: no limit
  int64_t memory_bytes = 0;  // that the ranks of its node may use together
  double clock_s = 0;        // since 1970, when all ranks were asked
  std::string instruction_set;  // in use
  std::string build;            // what is told apart: program and libraries
  int64_t needed_bytes = 0;     // of memory
};

/// Sentences on these ranks, each about one kind of trouble: more threads than CPUs, also when only some
/// ranks are bound to the same ones; more memory needed than allowed; different instruction sets, builds or
/// clocks. Empty when all is well.
std::vector<std::string> misplacements(std::span<const RankPlace> ranks);

/// The same of the ranks of this job, each of which computes with `threads` and needs `needed_bytes` (0: not
/// known). Every rank gets the sentences. Collective.
std::vector<std::string> check_placement(Communicator& comm, int64_t threads, int64_t needed_bytes);

}  // namespace ncf
