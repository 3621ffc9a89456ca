#pragma once
/// The routes of one table's rows for one batch, as one rank knows them. Pure bookkeeping: nothing here
/// communicates.
///
/// A rank's rows of a table fall into classes (granules.hpp): local row l is of class l mod `classes`. Lists
/// of rows are ordered by owner, class and row, so that what goes to a rank is contiguous there and a class
/// is contiguous at its owner. A row's `place` is its number in that order among all rows its owner has.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/embed/shard_map.hpp"
#include "ncf/embed/unique_values.hpp"

namespace ncf {

class TableRoutes {
 public:
  /// `total_rows` of the table over all ranks; `classes` of a rank's rows.
  TableRoutes(ShardMap shards, int64_t total_rows, int64_t classes);

  /// Which rows these ids (global, any order, repeats welcome) need. set_wanted() must follow.
  void find_unique(std::span<const int32_t> ids);
  /// What the ranks ask of this one: places by asking rank, counts[r] of them from rank r.
  void set_wanted(std::span<const int32_t> places, std::span<const int64_t> counts);
  /// The same when this rank is the only one.
  void set_wanted_by_self();

  // What this rank asks for.

  /// For each id, its row in the matrix of unique rows.
  std::span<const int32_t> slots() const { return unique_.slots(); }
  int64_t unique() const { return static_cast<int64_t>(places_.size()); }
  /// The unique rows as places at their owners, grouped by owner.
  std::span<const int32_t> places() const { return places_; }
  std::span<const int64_t> unique_counts() const { return unique_counts_; }  // [ranks]

  // What this rank is asked for.

  /// Local rows that some rank asked for, without repeats, by class.
  std::span<const int64_t> owned() const { return owned_; }
  /// owned() of class k: [class_bounds()[k], class_bounds()[k + 1]).
  std::span<const int64_t> class_bounds() const { return class_bounds_; }  // [classes + 1]
  /// Every wish, by asking rank: a number in owned().
  std::span<const int32_t> wanted() const { return wanted_; }
  std::span<const int64_t> wanted_counts() const { return wanted_counts_; }  // [ranks]

 private:
  void set_owned(std::span<const int32_t> places);

  ShardMap shards_;
  int64_t classes_ = 1;
  int64_t class_rows_ = 1;  // at most, of a rank's class
  UniqueValues unique_, asked_;
  std::vector<int32_t> keys_, places_, wanted_;
  std::vector<int64_t> unique_counts_, wanted_counts_, owned_, class_bounds_;
};

}  // namespace ncf
