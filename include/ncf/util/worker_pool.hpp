#pragma once
/// Threads that share one task at a time with the thread that owns them, and sleep in between: a core that
/// somebody else needs is not spun on.

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ncf {

class WorkerPool {
 public:
  /// `workers` threads together with the calling one; `prepare` is called first in each of the others.
  explicit WorkerPool(int64_t workers, const std::function<void()>& prepare = {});
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int64_t workers() const { return static_cast<int64_t>(threads_.size()) + 1; }

  /// job(part, worker) for each part in [0, parts): worker w takes the parts w, w + workers(), …. Returns
  /// when all are done; an exception of a part is thrown here, the first worker's if several throw.
  void run(int64_t parts, const std::function<void(int64_t part, int64_t worker)>& job);

 private:
  void serve(int64_t worker, const std::function<void()>& prepare);
  void take_part(int64_t worker);

  std::vector<std::exception_ptr> failures_;  // [workers]
  std::mutex mutex_;
  std::condition_variable work_, done_;
  const std::function<void(int64_t, int64_t)>* job_ = nullptr;
  int64_t parts_ = 0;
  int64_t busy_ = 0;    // workers that still have parts of this round
  uint64_t round_ = 0;  // counts the calls of run()
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ncf
