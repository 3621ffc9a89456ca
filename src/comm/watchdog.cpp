#include "ncf/comm/watchdog.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>

#include "comm/communicator_impl.hpp"
#include "comm/finalize.hpp"
#include "comm/roll_call.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

constexpr double look_every_s = 0.25;
constexpr double longest_look_s = 1;  // a longer time between two looks means that this process was stopped

}  // namespace

struct Watchdog::Impl {
  const Whereabouts& whereabouts;
  double timeout_s;
  std::optional<RollCall> roll;  // none without MPI_THREAD_MULTIPLE
  std::jthread thread;           // last: it uses the others

  void watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    uint64_t here = whereabouts.crossings();
    double stay_s = 0, last = now_s();
    while (true) {
      wake.wait_for(lock, stop, std::chrono::duration<double>(look_every_s), [] { return false; });
      if (stop.stop_requested()) return;
      const double now = now_s();
      const uint64_t crossings = whereabouts.crossings();
      stay_s = crossings == here ? stay_s + std::min(now - last, longest_look_s) : 0;
      here = crossings;
      last = now;
      const Place place = Place::of(whereabouts, stay_s);
      const bool too_long = place.waits() && stay_s > timeout_s;
      if (!roll && too_long) report_alone(place);
      if (roll && (too_long || roll->begun())) roll->hold(place, timeout_s);
    }
  }

  [[noreturn]] void report_alone(const Place& place) const {
    end_process_after(5, exit_code_of_silence);
    log_rank_error(describe(place) + " for " + seconds_text(place.stay_s) + ", comm.timeout_s is " +
                   seconds_text(timeout_s));
    std::_Exit(exit_code_of_silence);
  }
};

Watchdog::Watchdog(Communicator& comm, double timeout_s) {
  if (comm.size() == 1) return;
  set_finalize_timeout(timeout_s);
  const auto hosts = comm.all_gather(host_name());
  impl_.reset(new Impl{comm.impl_->whereabouts, timeout_s, {}, {}});
  int level = 0;
  check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
  if (level == MPI_THREAD_MULTIPLE) impl_->roll.emplace(comm.impl_->comm, hosts);
  impl_->thread = std::jthread([this](const std::stop_token& stop) { impl_->watch(stop); });
}

Watchdog::~Watchdog() = default;

}  // namespace ncf
