#pragma once
/// Requests to stop that come as signals: SIGTERM and SIGUSR1 (batch systems), SIGINT (Ctrl-C). They are only
/// noted; whoever works looks at them between steps. A second SIGINT ends the process at once, as if it had
/// never been caught; a second SIGTERM or SIGUSR1 changes nothing.

namespace ncf {

/// While one exists, the signals are caught; after it they do what they did before. One a process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The first signal caught, or 0.
  static int caught();
};

/// "SIGTERM"
const char* signal_name(int signal);

}  // namespace ncf
