#pragma once
/// Where a rank is, as its watchdog sees it. Written by the one thread that communicates, at each entry to
/// and exit from a collective (about two nanoseconds: no lock, no clock); read by the watchdog's thread,
/// which measures the time.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace ncf {

class Whereabouts {
 public:
  void enter(const char* verb) {
    verb_.store(verb, std::memory_order_relaxed);
    step();
  }
  void leave() { step(); }
  void set_phase(std::string_view phase) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
  }

  /// Borders of collectives crossed so far. Odd: inside collective number (crossings + 1) / 2, counting from
  /// 1; even: after collective number crossings / 2.
  uint64_t crossings() const { return crossings_.load(std::memory_order_acquire); }
  /// MPI's name of the last collective entered.
  const char* verb() const { return verb_.load(std::memory_order_relaxed); }
  std::string phase() const {
    const std::lock_guard lock(mutex_);
    return phase_;
  }

 private:
  /// One writer, so no atomic addition is needed.
  void step() { crossings_.store(crossings_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  std::atomic<uint64_t> crossings_{0};
  std::atomic<const char*> verb_{"nothing"};
  mutable std::mutex mutex_;
  std::string phase_;
};

}  // namespace ncf
