#include "ncf/util/worker_pool.hpp"

#include <utility>

namespace ncf {

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
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return ending_ || round_ != served; });
      if (ending_) return;
      served = round_;
    }
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
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return busy_ == 0; });
  }
  for (std::exception_ptr& failure : failures_)
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

}  // namespace ncf
