#pragma once
/// Ends a job whose ranks wait for one that is gone. A thread a rank watches how long the current collective
/// has lasted; past the limit the watchdogs call the roll among themselves, the lowest rank that answers
/// reports which do not, or which are behind and where, and the job ends with exit code 5.
///
/// Only time counts in which the watchdog itself ran: a job that is suspended as a whole and resumed goes on.
/// Where MPI grants less than MPI_THREAD_MULTIPLE there is no roll call: a rank reports where it waits
/// itself.

#include "ncf/comm/communicator.hpp"

namespace ncf {

class Watchdog {
 public:
  /// Watches the collectives of `comm`, which must outlive it, and MPI_Finalize (session.hpp). At one rank
  /// there is nothing to watch. Collective.
  Watchdog(Communicator& comm, double timeout_s);
  /// Stops watching. Not collective.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ncf
