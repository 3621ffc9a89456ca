#pragma once
/// Carries out collectives beside a rank's computation: one thread, which takes jobs in the order in which
/// they are sent, so that all ranks still call the same collectives in the same order. Nothing moves between
/// ranks while nobody calls MPI, so a thread that is inside of blocking calls is what makes communication and
/// computation happen at the same time.
///
/// From the first job that is sent until its sender has waited for the last, the communicator belongs to the
/// courier: a collective of anybody else throws Error{internal}, whatever the jobs are at. Without a
/// thread of its own a courier carries out a job as it is sent, and all else is the same.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "ncf/comm/communicator.hpp"

namespace ncf {

class Courier {
 public:
  /// `beside`: with a thread of its own, which calls `prepare` first.
  explicit Courier(bool beside, const std::function<void()>& prepare = {});
  /// Waits for the job that is under way, if any; those behind it are not begun.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  bool beside() const { return thread_.joinable(); }

  /// The number of a job among all that were sent, from 1. 0: none, which is done.
  using Ticket = uint64_t;
  /// Hands over a job. What it uses must stay until it is done. Ranks send the same jobs in the same order,
  /// from one thread each and all to one communicator at a time.
  Ticket send(Communicator& comm, std::function<void()> job);
  /// Until this job and all before it are done. Throws what the first one threw that failed; none after that
  /// one is carried out. Any thread may wait; only the sender's time counts as waited
  /// (Communicator::waited_s).
  void wait(Ticket ticket);

 private:
  struct Errand {
    Communicator* comm = nullptr;
    std::function<void()> job;
  };
  void serve(const std::function<void()>& prepare);
  void carry_out(const Errand& errand);

  std::mutex mutex_;
  std::condition_variable sent_something_, did_something_;
  std::deque<Errand> errands_;
  Communicator* lent_ = nullptr;  // to this courier, or null
  std::thread::id sender_;
  Ticket sent_ = 0, done_ = 0;
  std::exception_ptr failure_;
  Ticket failed_ = 0;  // the job that threw failure_
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace ncf
