#pragma once
/// The training samples of an epoch in the global order: position p of the epoch belongs to step p /
/// batch_size; of a step's batch, rank r computes the part that granules.hpp gives it: one of P equal ones. A
/// rank asks for the samples of its next steps, a window at a time: the permutation's
/// inverse names the sample at a position, its number names the rank that holds it. Four bytes go there, a
/// dozen come back; nobody holds a second copy of the ratings, and a resumed epoch fetches what is left only.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/permutation.hpp"
#include "ncf/data/ratings.hpp"
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
  /// The samples of a granule in one step: in global order, or in that of their numbers, by user and item,
  /// with which the passes over the users' rows are a quarter quicker, and what a rank holds of them stands
  /// together. It changes nothing but rounding.
  enum class Order { global, by_user };
  /// By user unless there is dropout, whose masks go by the position of a sample.
  static Order quickest_order(const ModelConfig& model);
  /// `window`: samples a rank fetches at once, at least a step's.
  EpochSamples(EpochShape shape, Granules granules, uint64_t seed, Order order = Order::global,
               int64_t window = 1 << 16);

  const EpochShape& shape() const { return shape_; }
  /// Turns to an epoch (from 0). `train`: this rank's samples. Collective.
  void begin(Communicator& comm, const Samples& train, int64_t epoch);

  /// This rank's part of a step's batch as columns, granule after granule. Valid until the next call.
  struct Part {
    std::span<const int32_t> users, items;
    std::span<const float> ratings;
    int64_t first_position = 0;  // in the epoch
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
  /// Samples [first, end) of the window that follow each other and are held by one rank.
  struct Run {
    int64_t rank = 0;
    std::size_t first = 0, end = 0;
  };
  Range mine(int64_t step) const;
  void fetch(Communicator& comm, const Samples& train, int64_t first_step);
  std::vector<int64_t> bounds(int64_t step) const;
  void sort(std::span<uint64_t> numbers);
  void take(Communicator& comm, const Samples& train);
  void find_runs();
  void ask(Communicator& comm, const Samples& train);
  int64_t owner(uint64_t number) const;

  EpochShape shape_;
  Granules granules_;
  uint64_t seed_ = 0;
  Order order_within_ = Order::global;
  int64_t window_ = 0;
  int64_t rank_ = 0;
  Permutation order_;
  std::vector<int64_t> firsts_;  // [ranks + 1]: first sample of each rank
  double ranks_a_sample_ = 0;
  int64_t first_step_ = 0;                   // of the window
  std::vector<int64_t> offsets_;             // [steps of the window + 1] into the columns
  std::vector<uint64_t> numbers_;            // of the window's samples among all
  std::vector<int32_t> users_, items_;       // of the window's samples
  std::vector<float> ratings_;               // likewise
  std::vector<Run> runs_;                    // of the window
  std::vector<int64_t> starts_;              // [ranks]: first of requests_ and delivered_ that is each one's
  std::vector<uint32_t> requests_;           // samples of other ranks, by rank
  std::vector<Sample> replies_, delivered_;  // to and from other ranks
  std::vector<uint64_t> keys_, scratch_;     // of a granule that is sorted
};

}  // namespace ncf
