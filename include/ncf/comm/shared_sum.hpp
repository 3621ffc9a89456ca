#pragma once
/// Sums over two ranks of one host through memory that they share (mailbox.hpp): an all-reduce that copies
/// nothing. Two terms have the same sum in either order, so its bits are MPI's; with more ranks they
/// would depend on whether these are on one host.

#include <memory>
#include <span>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/mailbox.hpp"

namespace ncf {

class SharedSum {
 public:
  /// Null on all ranks where there are not two of them, or Mailbox::open says so. Collective.
  static std::unique_ptr<SharedSum> open(Communicator& comm);

  /// Where this rank's terms are to stand, in memory that begins with zeros. Throws Error{internal} when
  /// there is none.
  std::span<float> terms(int64_t count);

  /// sums = this rank's terms and the other's, as many on each. Before terms are written again there must be
  /// another collective. Collective.
  void sum(Communicator& comm, std::span<float> sums);

 private:
  explicit SharedSum(std::unique_ptr<Mailbox> mail) : mail_(std::move(mail)) {}

  std::unique_ptr<Mailbox> mail_;
};

}  // namespace ncf
