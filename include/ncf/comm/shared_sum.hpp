#pragma once
/// Sums over the ranks of one host through memory that they share (mailbox.hpp): an all-reduce that copies
/// each value twice at most. Added in the order of ranks, whatever their number.

#include <memory>
#include <span>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/mailbox.hpp"

namespace ncf {

class SharedSum {
 public:
  /// Null on all ranks where Mailbox::open says so. Collective.
  static std::unique_ptr<SharedSum> open(Communicator& comm);

  /// values = their sums over all ranks, the same bits on each. As many on every rank. Between two sums there
  /// must be another collective. Throws Error{internal} when there is no memory. Collective.
  void sum(Communicator& comm, std::span<float> values);

 private:
  explicit SharedSum(std::unique_ptr<Mailbox> mail) : mail_(std::move(mail)) {}

  std::unique_ptr<Mailbox> mail_;
};

}  // namespace ncf
