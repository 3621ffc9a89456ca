#pragma once
/// The routes of one table's rows for one batch, as one rank knows them. Pure bookkeeping: nothing here
/// communicates.
///
/// A rank's rows of a table fall into classes (granules.hpp), a run of them after the other: local row l is
/// of class (l / run) mod `classes`. Lists of rows are ordered by owner, part (sample_parts.hpp), class and
/// row, so that what goes to a rank is contiguous there, each part of it too; what an owner is asked for, by
/// all, it has ordered by class and row. A row's `place` is its number in the order of class and row among
/// all rows its owner has.
///
/// What samples read is one matrix, [rows() × cols]: first the rows that other ranks bring, in the order of
/// the unique ones, then all that this rank owns and any rank asked for. So a rank's own rows are where their
/// owner wrote them, and nothing is copied for the sake of those who use them.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/embed/sample_parts.hpp"
#include "ncf/embed/shard_map.hpp"
#include "ncf/embed/unique_values.hpp"

namespace ncf {

/// Some rows that follow each other in a list.
struct RowRange {
  int64_t first = 0, count = 0;
};

class TableRoutes {
 public:
  /// `total_rows` of the table over all ranks; `classes` of a rank's rows, `run`, a power of two,
  /// of one before the next.
  TableRoutes(ShardMap shards, int64_t total_rows, int64_t classes, int64_t run = 1);

  /// Which rows these ids (global, any order, repeats welcome) need. set_wanted() must follow.
  void find_unique(std::span<const int32_t> ids, SampleParts parts = {});
  /// What the ranks ask of this one: places by asking rank and part, counts[r × parts + k] of them from rank
  /// r in part k.
  void set_wanted(std::span<const int32_t> places, std::span<const int64_t> counts);
  /// The same when this rank is the only one; with one part.
  void set_wanted_by_self();

  // What this rank asks for.

  /// For each id, its number among the unique rows.
  std::span<const int32_t> unique_slots() const { return parts_ == 1 ? unique_.slots() : moved_slots_; }
  int64_t unique() const { return static_cast<int64_t>(places_.size()); }
  /// The unique rows as places at their owners, grouped by owner and part.
  std::span<const int32_t> places() const { return places_; }
  std::span<const int64_t> unique_counts() const { return unique_counts_; }  // [ranks]
  int64_t parts() const { return parts_; }
  /// Those of one owner, all or of one part.
  RowRange unique_of(std::size_t owner) const { return range(unique_bounds_, owner, 0, parts_); }
  RowRange unique_of(std::size_t owner, int64_t part) const { return range(unique_bounds_, owner, part, 1); }

  // What samples read, once it is known what all ask for.

  int64_t rows() const { return brought() + std::ssize(owned_); }
  /// For each id, its row.
  std::span<const int32_t> slots() const { return shards_.world == 1 ? unique_.slots() : slots_; }
  /// How many rows others bring; owned()[k] is row brought() + k.
  int64_t brought() const { return unique() - unique_of(self()).count; }
  /// The rows that another rank brings, all or in one part; none of this one.
  RowRange brought_by(std::size_t owner) const { return without_own(owner, unique_of(owner)); }
  RowRange brought_by(std::size_t owner, int64_t part) const {
    return without_own(owner, unique_of(owner, part));
  }

  // What this rank is asked for.

  /// Local rows that some rank asked for, without repeats, by class.
  std::span<const int64_t> owned() const { return owned_; }
  /// owned() of class k: [class_bounds()[k], class_bounds()[k + 1]).
  std::span<const int64_t> class_bounds() const { return class_bounds_; }  // [classes + 1]
  /// Every wish, by asking rank and part: a number in owned().
  std::span<const int32_t> wanted() const { return wanted_; }
  /// Those of one rank, all or of one part.
  RowRange wanted_of(std::size_t rank) const { return range(wanted_bounds_, rank, 0, parts_); }
  RowRange wanted_of(std::size_t rank, int64_t part) const { return range(wanted_bounds_, rank, part, 1); }

 private:
  std::size_t self() const { return static_cast<std::size_t>(shards_.rank); }
  RowRange without_own(std::size_t owner, RowRange unique) const {
    if (owner == self()) return {unique.first, 0};
    return {unique.first - (owner > self() ? unique_of(self()).count : 0), unique.count};
  }
  void write_keys(std::span<const int32_t> ids, int64_t a_rank);
  void find_slots();
  void set_owned(std::span<const int32_t> places);
  void sort_by_part(SampleParts parts);
  RowRange range(const std::vector<int64_t>& bounds, std::size_t rank, int64_t part, int64_t count) const {
    const std::size_t at = rank * static_cast<std::size_t>(parts_) + static_cast<std::size_t>(part);
    return {bounds[at], bounds[at + static_cast<std::size_t>(count)] - bounds[at]};
  }

  ShardMap shards_;
  int64_t classes_ = 1, run_ = 1;
  int64_t class_rows_ = 1;  // at most, of a rank's class
  int64_t parts_ = 1;
  UniqueValues unique_, asked_;
  std::vector<int32_t> keys_, places_, wanted_;
  std::vector<int32_t> slots_, row_of_unique_;
  std::vector<int64_t> unique_counts_, owned_, class_bounds_;
  std::vector<int64_t> unique_bounds_, wanted_bounds_;  // [ranks × parts + 1]
  // With several parts only:
  std::vector<uint8_t> first_part_;                    // [unique]
  std::vector<int32_t> moved_slots_, moved_, sorted_;  // moved_[u]: where the u-th by owner, class and row is
};

}  // namespace ncf
