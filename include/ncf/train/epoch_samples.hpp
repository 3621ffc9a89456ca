#pragma once
/// The training samples of an epoch in the global order: position p of the epoch belongs to step p /
/// batch_size. Of a step's batch every rank computes an equal share: the part that granules.hpp gives it, or
/// as many of its own users' samples. Samples come a window of steps at a time, in one of two ways: the rank
/// that has a position names the sample there by the permutation's inverse and fetches it from the rank that
/// holds it (sample_fetcher.hpp); or that rank finds by the permutation itself when the sample is due, and
/// sends it to its user's owner (due_samples.hpp, dealer.hpp). Nobody holds a second copy of the ratings, and
/// a resumed epoch fetches only the windows that are left.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/permutation.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/dealer.hpp"
#include "ncf/train/due_samples.hpp"
#include "ncf/train/sample_fetcher.hpp"
#include "ncf/train/sample_lookup.hpp"
#include "ncf/util/granules.hpp"

namespace ncf {

/// How an epoch of `total` samples falls into steps and ranks.
struct EpochShape {
  int64_t total = 0;
  int64_t batch_size = 1;
  bool drop_last = false;

  int64_t steps() const {
    const int64_t whole = total / batch_size;
    return drop_last || total % batch_size == 0 ? whole : whole + 1;
  }
  /// Samples of a step over all ranks.
  int64_t batch(int64_t step) const { return std::min(batch_size, total - step * batch_size); }
};

class EpochSamples {
 public:
  /// Which samples of a step are a granule's, and in which order. `global`: its part of the global order, as
  /// dropout needs it, whose masks go by the position of a sample. `by_user`: the same in the order of their
  /// numbers, by user and item, with which the passes over the users' rows are a quarter quicker.
  /// `with_owner`: by user, too, and those of the rank's own users, which then do not travel. It changes
  /// nothing but rounding; with granules in a fixed order, whose samples may not depend on the number of
  /// ranks, that is asked too much: it is `by_user` there.
  enum class Order { global, by_user, with_owner };
  /// With their owners unless there is dropout.
  static Order quickest_order(const ModelConfig& model);
  /// `window`: samples a rank fetches at once, at least a step's.
  EpochSamples(EpochShape shape, Granules granules, uint64_t seed, Order order = Order::global,
               int64_t window = 1 << 16);

  const EpochShape& shape() const { return shape_; }
  /// From now on samples come through memory, where they go to their owners and all ranks are on one host
  /// that lets them. Collective.
  void share_memory(Communicator& comm) {
    if (order_within_ == Order::with_owner) dealer_.share_memory(comm);
  }
  /// Turns to an epoch (from 0). `train`: this rank's samples. Collective. Throws Error(usage) on all ranks
  /// where one holds 2^32 samples.
  void begin(Communicator& comm, const Samples& train, int64_t epoch);

  /// This rank's part of a step's batch as columns, granule after granule. Valid until the next call.
  struct Part {
    std::span<const int32_t> users, items;
    std::span<const float> ratings;
    int64_t first_position = 0;  // in the epoch, of the first in global order
    int64_t global_rows = 0;
    std::vector<int64_t> bounds;  // [granules + 1] of this rank, within the part
  };
  /// Any step of the epoch, all ranks the same one; quick when steps ascend. `train` as for begin().
  /// Collective: communicates once a window.
  Part part(Communicator& comm, const Samples& train, int64_t step);

 private:
  struct Range {
    int64_t first = 0, count = 0;
  };
  Range mine(int64_t step) const;
  int64_t steps_a_window(const Communicator& comm) const;
  void fetch(Communicator& comm, const Samples& train, int64_t first_step);
  void deal(Communicator& comm, const Samples& train, int64_t window, int64_t steps);
  std::vector<int64_t> bounds(int64_t step) const;
  void sort(int64_t steps);

  EpochShape shape_;
  Granules granules_;
  uint64_t seed_ = 0;
  Order order_within_ = Order::global;
  int64_t window_ = 0;
  int64_t rank_ = 0;
  bool deals_ = false;  // to the owners of users
  Permutation order_;
  int64_t first_step_ = 0;        // of the window
  std::vector<int64_t> offsets_;  // [steps of the window + 1] into the columns
  SampleColumns columns_;         // the window's samples
  // Where samples go to the owners of their users:
  DueSamples due_;
  Dealer dealer_;
  // Where they do not:
  std::vector<uint64_t> numbers_;  // of the window's samples among all
  UserOrder user_order_;
  SampleFetcher fetcher_;
};

}  // namespace ncf
