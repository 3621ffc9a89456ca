#pragma once
/// Memory that the ranks of one host read from each other: what a message would copy into a buffer, through
/// another and out of a third is written once and read where it is. For exchanges whose receivers have all
/// they need to do their part in reading (RowMail, SharedSum).
///
/// A rank writes into its boxes and calls meet(); then the others may read there. The memory has no name in
/// any file system: nothing is left behind by a job that is killed, and no small /dev/shm limits it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ncf/comm/communicator.hpp"

namespace ncf {

class Mailbox {
 public:
  /// So many boxes for each rank of `comm`; null on all ranks when they are not on one host, when there is
  /// only one, or when the system does not let them see each other's memory. Collective.
  static std::unique_ptr<Mailbox> open(Communicator& comm, int boxes);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// This rank's box, from a cache line on, with room for so many values; what was in it stays, also where it
  /// is. Before a box is written again there must have been another collective, after everybody's reading.
  /// Throws Error{internal} when there is no memory.
  template <class T>
  T* room(int box, int64_t values) {
    return reinterpret_cast<T*>(grow(box, static_cast<std::size_t>(values) * sizeof(T)));
  }

  /// What was written before it, into any box, is to be read after it; as after every collective in which
  /// each rank waits for each. `bytes`: what others will read of this rank's, which counts as sent. A barrier
  /// in the same memory: it takes a fraction of the time of MPI's. Collective.
  void meet(Communicator& comm, uint64_t bytes);

  /// The box of any rank, its own too.
  template <class T>
  const T* of(std::size_t rank, int box) const {
    return reinterpret_cast<const T*>(see(rank, box));
  }

 private:
  class Box;
  /// `crowded`: more ranks than processors, where who waits had better not keep one.
  Mailbox(int boxes, bool crowded);
  bool has_come(std::size_t rank) const;
  void wait_for(Communicator& comm, std::size_t rank) const;
  char* grow(int box, std::size_t bytes);
  const char* see(std::size_t rank, int box) const;

  std::vector<std::unique_ptr<Box>> boxes_;  // [boxes + 1]: the last one is for meeting
  uint64_t meetings_ = 0;
  int spins_;
};

}  // namespace ncf
