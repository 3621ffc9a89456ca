#pragma once
/// The routes of a batch: which rows it needs of every table, who owns them, and the way there and back.
/// Planned once from the ids, used forward to gather rows and, reversed, to return summed gradients:
/// sum_terms and return_sum together are the adjoint of gather and indexing by slot. Traffic is the lower
/// bound of the scheme: unique rows only, both ways, nothing sent to oneself, and the rows of all tables
/// travel in one message a pair of ranks. (With a fixed order of sums on a number of ranks that does not
/// divide the granules, gradients return once a block.)

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/embed/row_gradients.hpp"
#include "ncf/embed/table_routes.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/matrix.hpp"
#include "ncf/util/sum_tree.hpp"

namespace ncf {

class RowExchange {
 public:
  /// `cols`: values of a row, a number a table.
  RowExchange(ShardMap shards, Granules granules, std::vector<int64_t> cols);

  /// Routes for the ids of each table; the same samples in each. `notes` are bits that each rank has to tell
  /// the others; returns those of all ranks united. They ride on an exchange that is made anyway.
  /// Collective.
  uint64_t plan(Communicator& comm, std::span<const std::span<const int32_t>> ids, uint64_t notes = 0);

  const TableRoutes& routes(std::size_t table) const { return routes_[table]; }

  /// rows[t] [unique × cols] = the rows of table t that the plan names; shards[t] holds this rank's.
  /// Collective.
  void gather(Communicator& comm, std::span<const Matrix* const> shards, std::span<Matrix> rows);

  /// Adds up the gradients of table t by row. Their granules are this rank's.
  void sum_terms(std::size_t table, const RowGradients& gradients);

  /// sums[t] [owned × cols] = for each row this rank owns, the sums of all ranks, in the order of the
  /// granules. Collective.
  void return_sum(Communicator& comm, std::span<Matrix> sums);

 private:
  std::size_t tables() const { return cols_.size(); }
  /// Values of the rows exchanged with each rank: those this rank needs (unique side), or those it is asked
  /// for.
  void count_values(bool unique_side, std::vector<int64_t>& out) const;
  void pack_gradients(std::size_t block);
  void add_up(std::size_t table, Matrix& sums);

  ShardMap shards_;
  Granules granules_;
  std::vector<int64_t> cols_;
  std::vector<TableRoutes> routes_;
  std::vector<Block> blocks_;                                  // this rank's
  std::size_t rounds_ = 1;                                     // the most blocks a rank has
  std::vector<std::vector<Block>> blocks_of_;                  // [ranks]
  std::vector<Matrix> gradients_;                              // a table: [blocks · unique × cols]
  std::vector<int64_t> unique_values_, wanted_values_, none_;  // [ranks]
  std::vector<float> send_, receive_;
  std::vector<std::vector<float>> rounds_received_;
  std::vector<std::vector<int64_t>> round_offsets_;  // [rounds][ranks · tables]
  SumTree<float> tree_;
  std::vector<Term<float>> terms_;
  Matrix granule_sums_;
  std::vector<int64_t> term_offsets_, next_;  // [unique + 1] into by_slot_
  std::vector<int32_t> by_slot_;              // terms grouped by slot, in their order
  void group_by_slot(std::size_t table, const RowGradients& gradients);
};

}  // namespace ncf
