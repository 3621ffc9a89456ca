#include "ncf/util/worker_pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ncf {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

/// Waking a thread takes some 50 µs, and a step shares out a dozen tasks: so long as the next one is likely
/// to come, those who wait look for it. Where cores are shared this keeps others from work that is waited
/// for: who looked in vain, or was kept from looking, makes all sleep at once for a while, each time for
/// longer.
template <class Ready>
bool WorkerPool::comes_soon(const Ready& ready) {
  using std::chrono::microseconds;
  constexpr microseconds soon(200), kept(100);
  constexpr int64_t least_rest = 1'000'000, most_rest = 64'000'000;  // ns
  constexpr int looks = 32;                                          // between two looks at the clock
  const auto begin = Clock::now();
  if (begin.time_since_epoch().count() < sleep_until_) return ready();
  auto now = begin;
  for (auto last = now; now < begin + soon && now - last < kept;) {
    for (int k = 0; k < looks; ++k) {
      if (ready()) {
        rest_ = least_rest;
        return true;
      }
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    last = std::exchange(now, Clock::now());
  }
  rest_ = std::clamp<int64_t>(2 * rest_, least_rest, most_rest);
  sleep_until_ = now.time_since_epoch().count() + rest_;
  return ready();
}

WorkerPool::WorkerPool(int64_t workers, const std::function<void()>& prepare)
    : failures_(static_cast<std::size_t>(workers)) {
  for (int64_t w = 1; w < workers; ++w) threads_.emplace_back([this, w, prepare] { serve(w, prepare); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void WorkerPool::take_part(int64_t worker) {
  try {
    for (int64_t part = worker; part < parts_; part += workers()) (*job_)(part, worker);
  } catch (...) {
    failures_[static_cast<std::size_t>(worker)] = std::current_exception();
  }
}

void WorkerPool::serve(int64_t worker, const std::function<void()>& prepare) {
  if (prepare) prepare();
  for (uint64_t served = 0;;) {
    const auto called = [&] { return ending_ || round_ != served; };
    if (!comes_soon(called)) {
      std::unique_lock lock(mutex_);
      work_.wait(lock, called);
    }
    if (ending_) return;
    served = round_;
    take_part(worker);
    const std::lock_guard lock(mutex_);
    if (--busy_ == 0) done_.notify_one();
  }
}

void WorkerPool::run(int64_t parts, const std::function<void(int64_t, int64_t)>& job) {
  if (threads_.empty() || parts <= 1) {
    for (int64_t part = 0; part < parts; ++part) job(part, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
    parts_ = parts;
    busy_ = static_cast<int64_t>(threads_.size());
    ++round_;
  }
  work_.notify_all();
  take_part(0);
  const auto done = [&] { return busy_ == 0; };
  if (!comes_soon(done)) {
    std::unique_lock lock(mutex_);
    done_.wait(lock, done);
  }
  for (std::exception_ptr& failure : failures_)
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

void WorkerPool::share_out(int64_t count, const std::function<void(int64_t, int64_t)>& job) {
  run(workers(),
      [&](int64_t part, int64_t) { job(count * part / workers(), count * (part + 1) / workers()); });
}

}  // namespace ncf
