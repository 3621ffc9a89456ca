#pragma once
/// Memory that the ranks of one host read from each other: what a message would copy into a buffer, through
/// another and out of a third is written once and read where it is. For exchanges whose receivers have all
/// they need to do their part in reading (RowExchange, SharedSum).
///
/// A rank writes into its box, with `room()`, one part for every rank in rank order; `deliver()` is the
/// all-to-all. The memory has no name in any file system: nothing is left behind by a job that is killed, and
/// no small /dev/shm limits it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

  /// This rank's box, with room for so many values; what was in it is unspecified. Between a delivery and the
  /// next use of the same box there must be another collective, after everybody's reading. Throws
  /// Error{internal} when there is no memory.
  float* room(int box, int64_t values);

  /// from[r] = where the values lie that rank r has put into its box for this one; valid until that rank's
  /// next room() for the box. counts[r]: how many values this rank has put in for rank r. Collective.
  void deliver(Communicator& comm, int box, std::span<const int64_t> counts, std::span<const float*> from);
  /// The same for boxes that are whole for everyone; `bytes` is what counts as sent by this rank. Collective.
  void show(Communicator& comm, int box, uint64_t bytes, std::span<const float*> from);

 private:
  class Box;
  explicit Mailbox(int boxes);
  void open_all(Communicator& comm, int box, uint64_t bytes, std::span<const float*> from);

  std::vector<std::unique_ptr<Box>> boxes_;
};

}  // namespace ncf
