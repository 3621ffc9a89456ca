#pragma once
/// One check for every MPI call, and what the watchdog sees of the collective under way.

#include <mpi.h>

#include <atomic>
#include <cstdint>

namespace ncf {

/// Throws Error{peer} with MPI's own text when `code` is not success.
void check_mpi(int code, const char* verb);

/// Where this rank is: written by the thread that communicates, read by the watchdog. Times are steady-clock
/// seconds; since == 0 means outside any collective.
struct Whereabouts {
  std::atomic<uint64_t> sequence{0};
  std::atomic<const char*> verb{"nothing yet"};
  std::atomic<double> since{0};
};
Whereabouts& whereabouts();

/// Marks a collective for as long as it lives.
class InCollective {
 public:
  explicit InCollective(const char* verb);
  ~InCollective();
  InCollective(const InCollective&) = delete;
  InCollective& operator=(const InCollective&) = delete;
};

}  // namespace ncf
