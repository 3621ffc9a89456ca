#include "comm/roll_call.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <thread>
#include <tuple>

#include "comm/mpi_call.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

constexpr double patience_s = 3;  // for ranks to answer: their watchdogs look four times a second
constexpr int tag = 1;

template <std::size_t N>
std::array<char, N> fixed(const std::string& text) {
  std::array<char, N> out{};
  std::snprintf(out.data(), N, "%s", text.c_str());
  return out;
}

/// "rank 3", "ranks 0-2, 5".
std::string rank_list(const std::vector<std::size_t>& ranks) {
  std::string out = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t first = 0, last; first < ranks.size(); first = last + 1) {
    last = first;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    if (first != 0) out += ", ";
    out += std::to_string(ranks[first]);
    if (last != first) out += (last == first + 1 ? ", " : "-") + std::to_string(ranks[last]);
  }
  return out;
}

}  // namespace

std::string describe(const Place& place) {
  std::string out = place.waits() ? std::string("waiting in ") + place.verb.data()
                                  : "at work for " + seconds_text(place.stay_s);
  if (!place.waits())
    out += place.collective() == 0 ? ", no collective yet" : std::string(" since ") + place.verb.data();
  if (place.collective() != 0) out += " (collective " + std::to_string(place.collective()) + ")";
  if (place.phase[0] != 0) out += std::string(", ") + place.phase.data();
  return out;
}

std::string seconds_text(double s) {
  char text[32];
  std::snprintf(text, sizeof text, s < 10 ? "%.3g s" : "%.0f s", s);
  return text;
}

Place Place::of(const Whereabouts& whereabouts, double stay_s) {
  return {whereabouts.crossings(), stay_s, fixed<24>(whereabouts.verb()), fixed<104>(whereabouts.phase())};
}

std::string roll_report(const std::vector<Place>& places, const std::vector<bool>& heard,
                        const std::vector<std::string>& hosts, double timeout_s) {
  double longest_s = 0;
  uint64_t furthest = 0;
  for (const Place& p : places) {
    if (p.waits()) longest_s = std::max(longest_s, p.stay_s);
    furthest = std::max(furthest, p.crossings);
  }
  // Those in the same place share a line: the missing first, then from the last to the foremost. Hosts matter
  // unless a rank is as far as any.
  std::map<std::tuple<uint64_t, std::string, std::string>, std::vector<std::size_t>> lines;
  for (std::size_t r = 0; r < places.size(); ++r) {
    if (!heard[r])
      lines[{0, hosts[r], "no answer: stopped, dead or cut off"}].push_back(r);
    else
      lines[{places[r].crossings + 1, places[r].crossings == furthest ? "" : hosts[r], describe(places[r])}]
          .push_back(r);
  }
  std::string out =
      "no progress for " + seconds_text(longest_s) + ", comm.timeout_s is " + seconds_text(timeout_s);
  for (const auto& [place, ranks] : lines) {
    const auto& [order, host, text] = place;
    out += "\n  " + rank_list(ranks) + (host.empty() ? "" : " on " + host) + ": " + text;
  }
  return out;
}

RollCall::RollCall(MPI_Comm comm, std::vector<std::string> hosts)
    : hosts_(std::move(hosts)), places_(hosts_.size()), heard_(hosts_.size()) {
  check_mpi(MPI_Comm_dup(comm, &comm_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int rank = 0;
  check_mpi(MPI_Comm_rank(comm_, &rank), "MPI_Comm_rank");
  rank_ = static_cast<std::size_t>(rank);
}

void RollCall::listen() {
  while (true) {
    int arrived = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, tag, comm_, &arrived, &status) != MPI_SUCCESS || !arrived) return;
    const auto from = static_cast<std::size_t>(status.MPI_SOURCE);
    MPI_Recv(&places_[from], sizeof(Place), MPI_BYTE, status.MPI_SOURCE, tag, comm_, MPI_STATUS_IGNORE);
    heard_[from] = true;
  }
}

bool RollCall::begun() {
  listen();
  return std::ranges::find(heard_, true) != heard_.end();
}

void RollCall::hold(const Place& mine, double timeout_s) {
  end_process_after(4 * patience_s, exit_code_of_silence);
  places_[rank_] = mine;
  heard_[rank_] = true;
  for (std::size_t r = 0; r < hosts_.size(); ++r) {
    // Never completed, since a missing rank may never receive; `places_` lives as long as the process.
    MPI_Request sent;
    if (r != rank_)
      MPI_Isend(&places_[rank_], sizeof(Place), MPI_BYTE, static_cast<int>(r), tag, comm_, &sent);
  }
  const auto listen_until = [&](double until, const auto& enough) {
    while (now_s() < until && !enough()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      listen();
    }
  };
  const double start = now_s();
  listen_until(start + patience_s, [&] { return std::ranges::find(heard_, false) == heard_.end(); });
  const bool lowest = std::find(heard_.begin(), heard_.end(), true) - heard_.begin() == std::ptrdiff_t(rank_);
  if (!lowest)
    listen_until(start + 2 * patience_s, [] { return false; });  // a lower rank is about to end the job
  log_rank_error(roll_report(places_, heard_, hosts_, timeout_s));
  end_job(comm_, exit_code_of_silence);
}

}  // namespace ncf
