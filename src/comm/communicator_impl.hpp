#pragma once
/// What a Communicator owns: MPI's communicator, the element types made for it, and where this rank is in it.
/// Communicator::self() owns no MPI communicator and never calls MPI.

#include <atomic>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "comm/mpi_call.hpp"
#include "comm/whereabouts.hpp"
#include "ncf/comm/communicator.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"

namespace ncf {

struct Communicator::Impl {
  MPI_Comm comm = MPI_COMM_NULL;
  std::map<std::size_t, MPI_Datatype> types;                                    // by size in bytes
  std::vector<int> send_counts, send_offsets, receive_counts, receive_offsets;  // kept between all-to-alls
  Whereabouts whereabouts;
  std::atomic<bool> lent = false;  // to a courier: then only its jobs may communicate

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  /// An element of `size` bytes, so that counts stay in elements and far below MPI's int.
  MPI_Datatype type(std::size_t size);
};

/// Marks that this thread carries out a courier's job with `comm`: it may use what is lent.
class Communicator::Carried {
 public:
  /// `beside`: while the rank computes.
  Carried(const Communicator& comm, bool beside) : comm_(&comm), beside_(beside) { here() = this; }
  ~Carried() { here() = nullptr; }
  Carried(const Carried&) = delete;
  Carried& operator=(const Carried&) = delete;

  static bool by_this_thread(const Communicator& comm) { return here() != nullptr && here()->comm_ == &comm; }
  static bool beside_computation() { return here() != nullptr && here()->beside_; }

 private:
  static Carried*& here() {
    thread_local Carried* carried = nullptr;
    return carried;
  }
  const Communicator* comm_;
  bool beside_;
};

/// Marks a collective for as long as it lives: for the watchdog, the time this rank waited, and the trace.
class Communicator::Inside {
 public:
  Inside(Communicator& comm, const char* verb) : comm_(comm), verb_(verb) {
    if (comm.impl_->lent && !Carried::by_this_thread(comm))
      throw Error(ErrorKind::internal, std::string(verb) + " while the communicator is lent to a courier");
    sent_before_ = comm.bytes_sent_;
    comm.bytes_sent_ += std::exchange(comm.read_by_others_, 0);
    begun_s_ = now_s();
    comm_.impl_->whereabouts.enter(verb);
  }
  ~Inside() {
    comm_.impl_->whereabouts.leave();
    const double now = now_s();
    const bool beside = Carried::beside_computation();
    if (!beside) comm_.waited_s_ += now - begun_s_;
    comm_.communicated_s_ += now - begun_s_;
    if (comm_.trace_ != nullptr)
      comm_.trace_->add({.kind = SpanKind::collective,
                         .name = verb_,
                         .begin_s = begun_s_,
                         .end_s = now,
                         .number = static_cast<int64_t>(comm_.bytes_sent_ - sent_before_),
                         .beside = beside});
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Communicator& comm_;
  const char* verb_;
  uint64_t sent_before_ = 0;
  double begun_s_ = 0;
};

}  // namespace ncf
