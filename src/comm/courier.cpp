#include "ncf/comm/courier.hpp"

#include <utility>

#include "comm/communicator_impl.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {

Courier::Courier(bool beside, const std::function<void()>& prepare) {
  if (beside) thread_ = std::thread([this, prepare] { serve(prepare); });
}

Courier::~Courier() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  sent_something_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (lent_ != nullptr) lent_->impl_->lent = false;
}

Courier::Ticket Courier::send(Communicator& comm, std::function<void()> job) {
  std::unique_lock lock(mutex_);
  const Ticket ticket = ++sent_;
  sender_ = std::this_thread::get_id();
  lent_ = &comm;
  comm.impl_->lent = true;
  if (thread_.joinable()) {
    errands_.push_back({&comm, std::move(job)});
    sent_something_.notify_one();
    return ticket;
  }
  lock.unlock();
  carry_out({&comm, std::move(job)});
  lock.lock();
  done_ = ticket;
  return ticket;
}

void Courier::wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  const bool by_sender = sender_ == std::this_thread::get_id();
  if (done_ < ticket) {
    const double begun_s = now_s();
    did_something_.wait(lock, [&] { return done_ >= ticket; });
    if (by_sender) lent_->waited_s_ += now_s() - begun_s;
  }
  if (lent_ != nullptr && by_sender && ticket == sent_) {
    lent_->impl_->lent = false;
    lent_ = nullptr;
  }
  if (failure_ && failed_ <= ticket) std::rethrow_exception(failure_);
}

void Courier::serve(const std::function<void()>& prepare) {
  if (prepare) prepare();
  std::unique_lock lock(mutex_);
  while (true) {
    sent_something_.wait(lock, [&] { return ending_ || !errands_.empty(); });
    if (ending_) return;
    const Errand errand = std::move(errands_.front());
    errands_.pop_front();
    lock.unlock();
    carry_out(errand);
    lock.lock();
    ++done_;
    did_something_.notify_all();
  }
}

/// Called by one thread at a time: the courier's own, or without one the sender's.
void Courier::carry_out(const Errand& errand) {
  if (failure_) return;  // the ranks are no longer in step
  Communicator::Carried carried(*errand.comm, beside());
  try {
    errand.job();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    failed_ = done_ + 1;
  }
}

}  // namespace ncf
