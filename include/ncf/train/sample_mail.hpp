#pragma once
/// How samples that ranks deal out (Dealer) come from one to the other: by message, or, between ranks of one
/// host, in memory where the receivers read them (comm/mailbox).

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/mailbox.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

class SampleMail {
 public:
  /// From now on through memory, where all ranks are on one host that lets them. Collective.
  void share_memory(Communicator& comm);

  /// Of this rank's counts: what they are on all ranks together, and on those before this one. [the same
  /// number on every rank] To be called before room(), once a delivery. Collective.
  void add_up(Communicator& comm, std::span<const int64_t> counts, std::vector<int64_t>& totals,
              std::vector<int64_t>& before);

  /// Where to put what goes: first what goes to rank 0, step by step, then to rank 1, and so on; behind it
  /// there may be more, which stays. Throws Error{internal} when there is no memory.
  std::span<Sample> room(std::size_t samples);

  /// Delivers it: `counts` [ranks × steps] of what goes to each rank. Collective.
  void deliver(Communicator& comm, std::span<const int32_t> counts);

  /// What came from a rank, step by step, and how much for each step [steps]. Valid until the next add_up().
  std::span<const Sample> from(std::size_t rank) const { return samples_[rank]; }
  std::span<const int32_t> counts_from(std::size_t rank) const { return counts_[rank]; }

 private:
  void deliver_by_message(Communicator& comm, std::span<const int32_t> counts);

  std::unique_ptr<Mailbox> mail_;
  std::vector<std::span<const Sample>> samples_;  // [ranks]
  std::vector<std::span<const int32_t>> counts_;  // [ranks]
  // By message only:
  std::vector<Sample> going_, came_;
  std::vector<int32_t> counts_came_;
};

}  // namespace ncf
