#pragma once
/// Time: a monotonic clock in seconds, and a timer that charges it to phases.

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "ncf/util/trace.hpp"

namespace ncf {

inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// UTC now, ISO 8601 with milliseconds: "2026-11-24T09:30:00.123Z".
std::string utc_now();

/// Seconds for people, rounded down: "0:42", "59:59", "26:00:00".
std::string duration_text(double seconds);

/// Where the time of a step goes. The order is the order of a step.
enum class Phase : std::size_t {
  samples,
  plan,
  gather,
  compute,
  synchronise,
  update,
  evaluate,
  checkpoint,
  count
};
inline constexpr std::array<const char*, static_cast<std::size_t>(Phase::count)> phase_names = {
    "samples", "plan", "gather", "compute", "synchronise", "update", "evaluate", "checkpoint"};

/// Charges the time since the last call to a phase: one clock read a phase.
class PhaseTimer {
 public:
  PhaseTimer() = default;
  /// Notes each charge in a trace, too; null: in none.
  explicit PhaseTimer(TraceSpans* trace) : trace_(trace) {}
  /// What follows belongs to nobody until the next charge().
  void restart() { last_ = now_s(); }
  void charge(Phase phase) {
    const double now = now_s();
    const auto p = static_cast<std::size_t>(phase);
    seconds_[p] += now - last_;
    if (trace_ != nullptr)
      trace_->add({.kind = SpanKind::phase, .name = phase_names[p], .begin_s = last_, .end_s = now});
    last_ = now;
  }
  const std::array<double, static_cast<std::size_t>(Phase::count)>& seconds() const { return seconds_; }
  void clear() { seconds_.fill(0); }
  /// When it last charged, by now_s().
  double last_s() const { return last_; }
  /// The trace is over.
  void stop_trace() { trace_ = nullptr; }

 private:
  TraceSpans* trace_ = nullptr;
  double last_ = now_s();
  std::array<double, static_cast<std::size_t>(Phase::count)> seconds_{};
};

}  // namespace ncf
