#pragma once
/// Deals the samples of a batch out to the ranks so that each computes those of its own users, as far as all
/// get their equal shares: the users' rows then need not travel, nor their gradients, and no two ranks sum up
/// gradients of one user. Which samples are in a batch is not touched by it.
///
/// The rank that a position of the epoch belongs to only names the sample there; the rank that holds the
/// sample (SampleHolders) looks whose user it is and sends it to that one. Where a rank's users have more
/// samples in a batch than its share, the last of them, in the order of the samples' numbers, go to ranks
/// whose users have fewer. All of it is a function of the numbers and the number of ranks.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/sample_holders.hpp"
#include "ncf/train/sample_lookup.hpp"
#include "ncf/util/granules.hpp"

namespace ncf {

class Dealer {
 public:
  explicit Dealer(Granules granules) : granules_(granules) {}

  /// Samples of some steps in a row, `batches` [steps] of them in each over all ranks, of which this rank
  /// names `numbers`, step by step, cut by `offsets` [steps + 1]; they need not be its share. Fills `out`
  /// with this rank's share of each step (Granules::part_size), step by step, users together, and sets
  /// `offsets` to where they then begin. Collective.
  void deal(Communicator& comm, const Samples& train, const SampleHolders& holders,
            std::span<const int64_t> batches, std::span<const uint64_t> numbers,
            std::vector<int64_t>& offsets, SampleColumns& out);

  /// How many steps may be dealt at once: a few values are kept for each of them and each rank.
  static int64_t most_steps(int64_t ranks) { return std::max<int64_t>(1, (int64_t{1} << 18) / ranks); }

 private:
  void name(Communicator& comm, const SampleHolders& holders, std::span<const uint64_t> numbers,
            std::span<const int64_t> offsets);
  void read(const Samples& train, std::size_t ranks);
  void share_out(Communicator& comm, std::span<const int64_t> batches);
  void send(Communicator& comm);
  void receive(std::span<const int64_t> offsets, std::size_t ranks, SampleColumns& out) const;
  /// Values for each rank, step by step, to it, from each into `received`; and how many of each step.
  template <class T>
  static void exchange(Communicator& comm, std::span<const T> send, const std::vector<int32_t>& counts,
                       std::vector<int32_t>& received_counts, std::vector<T>& received);

  Granules granules_;
  std::size_t steps_ = 0;
  std::vector<uint32_t> ranks_of_;                 // of what is sent, each one's rank
  std::vector<int32_t> sent_counts_;               // [ranks × steps]: of that
  std::vector<uint32_t> names_, asked_;            // places among the holder's samples, to it; of this rank
  std::vector<int32_t> asked_counts_;              // [ranks × steps]
  std::vector<int64_t> held_offsets_;              // [steps + 1] into the two below
  std::vector<uint64_t> held_;                     // what this rank holds of each step, as places
  std::vector<Sample> samples_, going_, coming_;   // those; by rank, to their owners; from the holders
  std::vector<int32_t> coming_counts_;             // [ranks × steps]
  std::vector<int64_t> counts_, before_, totals_;  // [steps × ranks]: samples of each owner, here; on the
                                                   // ranks before this one; on all
  UserOrder order_;
};

}  // namespace ncf
