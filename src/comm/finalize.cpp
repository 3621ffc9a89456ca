#include "comm/finalize.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "comm/mpi_call.hpp"
#include "comm/roll_call.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

std::atomic<double> limit_s{0};  // of the process, as MPI itself is; 0: none

}  // namespace

void set_finalize_timeout(double timeout_s) {
  limit_s.store(timeout_s);
}

void finalize_mpi() {
  const double timeout_s = limit_s.load();
  std::jthread guard;
  if (timeout_s > 0)
    guard = std::jthread([timeout_s](const std::stop_token& done) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      never.wait_for(lock, done, std::chrono::duration<double>(timeout_s), [] { return false; });
      if (done.stop_requested()) return;
      end_process_after(5, exit_code_of_silence);
      log_rank_error("MPI_Finalize waited " + seconds_text(timeout_s) +
                     " for the other ranks (comm.timeout_s): one is stopped, dead, cut off or still at work");
      std::_Exit(exit_code_of_silence);
    });
  MPI_Finalize();
}

}  // namespace ncf
