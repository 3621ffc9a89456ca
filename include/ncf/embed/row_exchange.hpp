#pragma once
/// The routes of a batch: which rows it needs, who owns them, and the way there and back. Planned once from
/// the ids, used forward to gather rows and, reversed, to return summed gradients: return_sum is the adjoint
/// of gather. Traffic is the lower bound of the scheme: unique rows only, both ways, nothing sent to oneself.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/embed/shard_map.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

class RowExchange {
 public:
  explicit RowExchange(ShardMap shards) : shards_(shards) {}

  /// Routes for these ids (global rows, any order, repeats welcome; none is fine). Collective.
  void plan(Communicator& comm, std::span<const int32_t> ids);

  /// For each id of the plan, its row in the matrix of unique rows.
  std::span<const int32_t> slots() const { return slots_; }
  int64_t unique() const { return static_cast<int64_t>(unique_.size()); }
  /// Local rows of this rank that some rank asked for, ascending, without repeats.
  std::span<const int64_t> owned() const { return owned_; }

  /// rows [unique × cols] = the rows of all shards that the plan names. Collective.
  void gather(Communicator& comm, const Matrix& shard, Matrix& rows);

  /// sums [owned × cols] = for each owned row, the gradients [unique × cols] of all ranks that asked for it,
  /// added in rank order. Collective.
  void return_sum(Communicator& comm, const Matrix& gradients, Matrix& sums);

 private:
  void find_unique(std::span<const int32_t> ids);

  ShardMap shards_;
  std::vector<uint64_t> keys_;  // scratch of find_unique
  std::vector<int32_t> slots_;
  std::vector<int64_t> unique_;                         // global rows by (owner, row)
  std::vector<int64_t> local_;                          // the same, as local rows of their owners
  std::vector<int64_t> wanted_;                         // local rows others want, by rank
  std::vector<int64_t> wanted_counts_, unique_counts_;  // [ranks], rows
  std::vector<int64_t> send_counts_, receive_counts_;   // [ranks], values
  std::vector<int64_t> owned_;
  std::vector<int32_t> owned_slot_;  // wanted_[k] is owned_[owned_slot_[k]]
  std::vector<float> buffer_;
};

}  // namespace ncf
