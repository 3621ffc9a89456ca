#pragma once
/// How the watchdogs of a job find out which ranks are missing. Whoever has waited too long says to all where
/// it is; whoever hears that does the same; who is silent for `patience_s` is missing. The lowest rank that
/// speaks reports and ends the job. A roll call is never called off: once begun, the job ends with exit
/// code 5.

#include <mpi.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "comm/whereabouts.hpp"

namespace ncf {

inline constexpr int exit_code_of_silence = 5;

/// "1 s", "2.5 s", "300 s".
std::string seconds_text(double s);

/// Where a rank is, as it travels.
struct Place {
  uint64_t crossings = 0;  // see Whereabouts
  double stay_s = 0;       // how long it has been there
  std::array<char, 24> verb{};
  std::array<char, 104> phase{};

  static Place of(const Whereabouts& whereabouts, double stay_s);
  bool waits() const { return crossings % 2 != 0; }
  /// Number of the last collective entered.
  uint64_t collective() const { return (crossings + 1) / 2; }
};

/// "waiting in MPI_Allreduce (collective 17), epoch 3 step 17", "at work for 12 s since MPI_Bcast (collective
/// 4)".
std::string describe(const Place& place);

class RollCall {
 public:
  /// On a private duplicate of `comm`, which only this object uses. Collective.
  RollCall(MPI_Comm comm, std::vector<std::string> hosts);

  /// Whether another rank has begun a roll call. Not collective; call it now and then, from one thread.
  bool begun();
  /// Takes part in the roll call and ends the job. Not collective.
  [[noreturn]] void hold(const Place& mine, double timeout_s);

 private:
  void listen();

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::size_t rank_ = 0;
  std::vector<std::string> hosts_;  // [ranks]
  std::vector<Place> places_;       // [ranks]
  std::vector<bool> heard_;         // [ranks]
};

/// What is wrong, and a line for each group of ranks in the same place.
std::string roll_report(const std::vector<Place>& places, const std::vector<bool>& heard,
                        const std::vector<std::string>& hosts, double timeout_s);

}  // namespace ncf
