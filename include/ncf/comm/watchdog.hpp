#pragma once
/// Ends a job whose ranks wait for one that is gone. A thread a rank watches how long the current collective
/// has lasted; past the limit the watchdogs call the roll among themselves and report which ranks did not
/// answer, or which are behind and in what, then end the job with exit code 5.

#include "ncf/comm/communicator.hpp"

namespace ncf {

class Watchdog {
 public:
  /// Watches every collective of the process from now on. Collective.
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
