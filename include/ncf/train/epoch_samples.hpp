#pragma once
/// The training samples of one epoch in the global order: position p of the epoch belongs to step p /
/// batch_size; of a step's batch, rank r computes the part that granules.hpp gives it: one of P equal ones. Samples travel once an epoch, a dozen bytes each; the batches are then local slices.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
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
  EpochSamples(EpochShape shape, Granules granules, uint64_t seed)
      : shape_(shape), granules_(granules), seed_(seed) {}

  const EpochShape& shape() const { return shape_; }
  /// Brings this rank's samples of an epoch (from 0) here. Collective.
  void fetch(Communicator& comm, const Samples& train, int64_t epoch);

  /// This rank's part of a step's batch, in global order, as columns. Valid until the next fetch.
  struct Part {
    std::span<const int32_t> users, items;
    std::span<const float> ratings;
    int64_t first_position = 0;  // in the epoch
    int64_t global_rows = 0;
    std::vector<int64_t> bounds;  // [granules + 1] of this rank, within the part
  };
  Part part(int64_t step) const;

 private:
  EpochShape shape_;
  Granules granules_;
  uint64_t seed_ = 0;
  int64_t rank_ = 0;
  std::vector<int64_t> step_offsets_;  // [steps + 1] into the columns
  std::vector<int32_t> users_, items_;
  std::vector<float> ratings_;
};

}  // namespace ncf
