// The job that watchdog_test.cpp runs under mpirun: watchdog_job WHAT TIMEOUT_S. Every rank prints "rank R
// pid P", meets the others, and then does WHAT; rank `victim` (the last) is the one that misbehaves or is
// made to.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/comm/watchdog.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"

namespace {

void sleep_s(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void compute_s(double seconds) {
  const double until = ncf::now_s() + seconds;
  while (ncf::now_s() < until) {
  }
}

/// In pieces, so that time in which the process is stopped does not count.
void sleep_awake_s(double seconds) {
  for (int piece = 0; piece < 50; ++piece) sleep_s(seconds / 50);
}

[[noreturn]] void meet_for_ever(ncf::Communicator& comm) {
  for (int64_t step = 1;; ++step) {
    comm.set_phase("step " + std::to_string(step));
    comm.sum(step);
    sleep_s(0.01);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string what = argv[1];
  const double timeout_s = std::atof(argv[2]);
  ncf::set_open_mpi_defaults();
  std::optional<ncf::MpiSession> session(std::in_place, &argc, &argv);
  ncf::Communicator comm = ncf::Communicator::world();
  ncf::start_log(comm.rank(), comm.size(), ncf::host_name());
  const bool victim = comm.rank() == comm.size() - 1;
  std::cout << "rank " + std::to_string(comm.rank()) + " pid " + std::to_string(getpid()) + "\n"
            << std::flush;
  {
    std::optional<ncf::Watchdog> watchdog(std::in_place, comm, timeout_s);
    comm.barrier();
    if (comm.is_root()) std::cout << "all met\n" << std::flush;
    if (what == "meet") meet_for_ever(comm);
    if (what == "sleep" && victim) sleep_s(600);
    if (what == "compute" && victim) compute_s(600);
    if (what == "slow" && victim) sleep_awake_s(timeout_s / 2);
    if (what == "abort" && victim) {
      std::cout << "last words without a line end" << std::string(1, ' ');
      comm.abort(70);
    }
    if (what == "other-verb" && victim) comm.exclusive_sum(1);
    comm.set_phase("the end");
    comm.barrier();
    if (what == "late-finalize" && victim) {
      watchdog.reset();
      sleep_s(600);
    }
  }
  if (comm.is_root()) std::cout << "finished\n" << std::flush;
  return 0;
}
