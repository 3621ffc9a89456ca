#pragma once
/// Threads that share one task at a time with the thread that owns them. Between tasks they look for the next
/// one for a moment and then sleep: a core that somebody else needs is not spun on.

#include <atomic>
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
  /// job(first, end) for as many parts of [0, count) as there are workers, nearly equal ones.
  void share_out(int64_t count, const std::function<void(int64_t first, int64_t end)>& job);

 private:
  void serve(int64_t worker, const std::function<void()>& prepare);
  void take_part(int64_t worker);
  template <class Ready>
  bool comes_soon(const Ready& ready);

  std::vector<std::exception_ptr> failures_;  // [workers]
  std::mutex mutex_;
  std::condition_variable work_, done_;
  const std::function<void(int64_t, int64_t)>* job_ = nullptr;
  int64_t parts_ = 0;
  // Changed under the mutex, for those who sleep; looked at without it by those who do not.
  std::atomic<int64_t> busy_ = 0;    // workers that still have parts of this round
  std::atomic<uint64_t> round_ = 0;  // counts the calls of run()
  std::atomic<bool> ending_ = false;
  std::atomic<int64_t> sleep_until_ = 0, rest_ = 0;  // ns, the first by the steady clock
  std::vector<std::thread> threads_;
};

}  // namespace ncf
