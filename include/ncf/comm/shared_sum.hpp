#pragma once
/// Sums over two ranks of one host through memory that they share (mailbox.hpp): an all-reduce that copies
/// each value once. Two terms have the same sum in either order, so its bits are MPI's; with more ranks they
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

  /// values = their sums over both ranks; as many on each. Between two sums there must be another collective.
  /// Throws Error{internal} when there is no memory. Collective.
  void sum(Communicator& comm, std::span<float> values);

 private:
  explicit SharedSum(std::unique_ptr<Mailbox> mail) : mail_(std::move(mail)) {}

  std::unique_ptr<Mailbox> mail_;
};

}  // namespace ncf
