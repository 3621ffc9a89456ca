#pragma once
/// Sums over two ranks of one host through memory that they share (mailbox.hpp): an all-reduce that copies
/// nothing, and whose result is the two terms, which whoever uses it adds up on the way. Two terms have the
/// same sum in either order, so its bits are MPI's; with more ranks they would depend on whether these are on
/// one host.

#include <array>
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

  /// Where the terms of both ranks stand, `count` on each, for whoever adds them up. Before terms are written
  /// again there must be another collective. Collective.
  std::array<const float*, 2> exchange(Communicator& comm, int64_t count);

 private:
  explicit SharedSum(std::unique_ptr<Mailbox> mail) : mail_(std::move(mail)) {}

  std::unique_ptr<Mailbox> mail_;
};

}  // namespace ncf
