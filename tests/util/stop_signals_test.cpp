#include "ncf/util/stop_signals.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

namespace ncf {
namespace {

/// How a child that does this ends: its exit code, or 128 + the signal.
int end_of(const std::function<int()>& action) {
  const pid_t child = fork();
  if (child == 0) _exit(action());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(StopSignals, EachIsNoted) {
  for (const int signal : {SIGTERM, SIGUSR1, SIGINT}) {
    const StopSignals signals;
    EXPECT_EQ(StopSignals::caught(), 0);
    std::raise(signal);
    EXPECT_EQ(StopSignals::caught(), signal);
  }
}

TEST(StopSignals, TheFirstOneStands) {
  const StopSignals signals;
  for (const int signal : {SIGUSR1, SIGTERM, SIGUSR1, SIGTERM}) std::raise(signal);
  EXPECT_EQ(StopSignals::caught(), SIGUSR1);
}

TEST(StopSignals, ASecondInterruptEndsTheProcess) {
  EXPECT_EQ(end_of([] {
              const StopSignals signals;
              std::raise(SIGINT);
              std::raise(SIGINT);
              return 7;
            }),
            128 + SIGINT);
}

TEST(StopSignals, TwoInterruptsEndItAlsoAfterAnotherSignal) {
  const auto interrupts = [](int count) {
    return end_of([count] {
      const StopSignals signals;
      std::raise(SIGTERM);
      for (int k = 0; k < count; ++k) std::raise(SIGINT);
      return 7;
    });
  };
  EXPECT_EQ(interrupts(1), 7);
  EXPECT_EQ(interrupts(2), 128 + SIGINT);
}

TEST(StopSignals, AfterwardsTheyDoWhatTheyDidBefore) {
  for (const int signal : {SIGTERM, SIGUSR1, SIGINT})
    EXPECT_EQ(end_of([signal] {
                { const StopSignals signals; }
                std::raise(signal);
                return 7;
              }),
              128 + signal);
}

TEST(StopSignals, TheyHaveNames) {
  EXPECT_EQ(signal_name(SIGTERM), std::string("SIGTERM"));
  EXPECT_EQ(signal_name(SIGUSR1), std::string("SIGUSR1"));
  EXPECT_EQ(signal_name(SIGINT), std::string("SIGINT"));
}

}  // namespace
}  // namespace ncf
