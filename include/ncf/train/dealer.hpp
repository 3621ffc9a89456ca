#pragma once
/// Deals the samples of a batch out to the ranks so that each computes those of its own users, as far as all
/// get their equal shares: the users' rows then need not travel, nor their gradients, and no two ranks sum up
/// gradients of one user. Which samples are in a batch is not touched by it.
///
/// The rank that holds a sample knows when it is due (DueSamples) and whose user it is, and sends it to that
/// one. Where a rank's users have more samples in a batch than its share, the last of them, in the order of
/// the samples' numbers, go to ranks whose users have fewer. All of it is a function of the order of the
/// epoch and the number of ranks.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/due_samples.hpp"
#include "ncf/train/sample_lookup.hpp"
#include "ncf/train/sample_mail.hpp"
#include "ncf/util/granules.hpp"

namespace ncf {

class Dealer {
 public:
  explicit Dealer(Granules granules) : granules_(granules) {}

  /// From now on samples go through memory, where all ranks are on one host that lets them. Collective.
  void share_memory(Communicator& comm) { mail_.share_memory(comm); }

  /// The steps of a window: `batches` [steps] samples in each over all ranks; `due`: those that this rank
  /// holds. Fills `out` with this rank's share of each step (Granules::part_size), step by step, each user's
  /// together, and `offsets` [steps + 1] with where they begin. Collective.
  void deal(Communicator& comm, const Samples& train, const DueSamples::Due& due,
            std::span<const int64_t> batches, std::vector<int64_t>& offsets, SampleColumns& out);

  /// How many steps may be dealt at once: a few values are kept for each of them and each rank.
  static int64_t most_steps(int64_t ranks) { return std::max<int64_t>(1, (int64_t{1} << 18) / ranks); }

 private:
  /// Samples of one step and one owner that go to one rank.
  struct Piece {
    std::size_t step, rank;
    uint32_t count, to;  // `to`: where they begin among those that go
  };
  void read(const Samples& train, const DueSamples::Due& due);
  void group(const DueSamples::Due& due);
  void share_out(Communicator& comm, std::span<const int64_t> batches);
  void pack();
  void place(std::span<Sample> to);
  void receive(std::span<const int64_t> offsets, SampleColumns& out) const;

  Granules granules_;
  std::size_t steps_ = 0, ranks_ = 0;
  std::vector<Sample> read_;                       // where they do not stand together in memory
  std::span<const Sample> samples_;                // here, in the order of their numbers
  std::vector<uint32_t> groups_;                   // step × ranks + owner of each
  std::vector<int64_t> counts_, before_, totals_;  // [steps × ranks]: of each group, here; on the ranks
                                                   // before this one; on all
  std::vector<Piece> pieces_;                      // group after group
  std::vector<std::size_t> first_pieces_;          // [groups]
  std::vector<int32_t> sent_counts_;               // [ranks × steps]
  SampleMail mail_;
};

}  // namespace ncf
