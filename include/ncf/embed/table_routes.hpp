#pragma once
/// The routes of one table's rows for one batch, as one rank knows them. Pure bookkeeping: nothing here
/// communicates.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/embed/shard_map.hpp"

namespace ncf {

class TableRoutes {
 public:
  /// Which rows these ids (global, any order, repeats welcome) need. `wanted_` must follow by set_wanted().
  void find_unique(std::span<const int32_t> ids, ShardMap shards);
  /// What the ranks ask of this one: local rows by asking rank, counts[r] of them from rank r.
  void set_wanted(std::span<const int32_t> rows, std::span<const int64_t> counts);
  /// The same when this rank is the only one.
  void set_wanted_by_self();

  /// For each id, its row in the matrix of unique rows.
  std::span<const int32_t> slots() const { return slots_; }
  int64_t unique() const { return static_cast<int64_t>(local_.size()); }
  /// The unique rows as local rows of their owners, grouped by owner, ascending within one.
  std::span<const int32_t> local() const { return local_; }
  std::span<const int64_t> unique_counts() const { return unique_counts_; }  // [ranks]

  std::span<const int32_t> wanted() const { return wanted_; }
  std::span<const int64_t> wanted_counts() const { return wanted_counts_; }  // [ranks]
  /// Local rows that some rank asked for, ascending, without repeats.
  std::span<const int64_t> owned() const { return owned_; }
  /// The requests for owned()[k]: requests()[request_offsets()[k] … request_offsets()[k + 1]).
  std::span<const int64_t> request_offsets() const { return request_offsets_; }
  struct Request {
    int32_t rank;
    int32_t place;  // among that rank's wanted rows
  };
  std::span<const Request> requests() const { return requests_; }

 private:
  std::vector<uint64_t> keys_, scratch_;  // of find_unique
  std::vector<int32_t> slots_, local_, wanted_;
  std::vector<int64_t> unique_counts_, wanted_counts_, owned_, request_offsets_;
  std::vector<Request> requests_;
  std::vector<std::pair<int32_t, Request>> by_row_;  // scratch of set_wanted
};

}  // namespace ncf
