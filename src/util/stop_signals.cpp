#include "ncf/util/stop_signals.hpp"

#include <array>
#include <atomic>
#include <csignal>

namespace ncf {
namespace {

constexpr std::array signals = {SIGTERM, SIGUSR1, SIGINT};
std::atomic<int> first_caught = 0;  // a handler sees nothing but what has a fixed place
std::atomic<bool> interrupted = false;
std::array<struct sigaction, signals.size()> before;

static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler may not lock");

void catch_signal(int signal) {
  int none = 0;
  first_caught.compare_exchange_strong(none, signal);
  if (signal != SIGINT || !interrupted.exchange(true)) return;
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
}

}  // namespace

StopSignals::StopSignals() {
  first_caught = 0;
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = catch_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t k = 0; k < signals.size(); ++k) sigaction(signals[k], &action, &before[k]);
}

StopSignals::~StopSignals() {
  for (std::size_t k = 0; k < signals.size(); ++k) sigaction(signals[k], &before[k], nullptr);
}

int StopSignals::caught() {
  return first_caught;
}

const char* signal_name(int signal) {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    case SIGINT:
      return "SIGINT";
    default:
      return "a signal";
  }
}

}  // namespace ncf
