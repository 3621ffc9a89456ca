#pragma once
/// The routes of a batch: which rows it needs of every table, who owns them, and the way there and back.
/// Planned once from the ids, used forward to bring what the owners have to say of each row (the row itself,
/// or a layer's products with it) and, reversed, to return summed gradients of that: return_sum is the
/// adjoint of gather. Traffic is the lower bound of the scheme: unique rows only, both ways, nothing sent to
/// oneself, and what belongs to the rows of all tables travels in one message a pair of ranks.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/embed/table_routes.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/matrix.hpp"
#include "ncf/util/sum_tree.hpp"

namespace ncf {

class RowExchange {
 public:
  /// `total_rows`: of each table, over all ranks.
  RowExchange(ShardMap shards, Granules granules, std::span<const int64_t> total_rows);

  /// Routes for the ids of each table; the same samples in each. `notes` are bits that each rank has to tell
  /// the others; returns those of all ranks united. They ride on an exchange that is made anyway.
  /// Collective.
  uint64_t plan(Communicator& comm, std::span<const std::span<const int32_t>> ids, uint64_t notes = 0);

  const TableRoutes& routes(std::size_t table) const { return routes_[table]; }

  /// here[t] [unique × cols] = for each row of table t that the plan names, its owner's row of there[t]
  /// [owned × cols]. there[t] is unspecified afterwards. Collective.
  void gather(Communicator& comm, std::span<Matrix> there, std::span<Matrix> here);

  /// sums[t] [owned × cols] = for each row this rank owns, the ranks' rows of gradients[t] [unique × cols]
  /// added up: along the tree of granules.hpp, or in rank order. gradients[t] is unspecified afterwards.
  /// Collective.
  void return_sum(Communicator& comm, std::span<Matrix* const> gradients, std::span<Matrix> sums);

 private:
  std::size_t tables() const { return routes_.size(); }
  /// Lays out for an all-to-all how many values go along each route.
  template <class Counts>
  void count_values(Counts counts, std::span<const int64_t> cols, std::vector<int64_t>& out) const;
  void add_in_rank_order(std::size_t table, Matrix& sums, std::vector<const float*>& at) const;
  void add_along_tree(std::size_t table, Matrix& sums, std::vector<const float*>& at);

  ShardMap shards_;
  Granules granules_;
  std::vector<TableRoutes> routes_;
  std::vector<int64_t> unique_values_, wanted_values_;  // [ranks]
  AlignedVector<float> send_, receive_;
  std::vector<float> zeros_;
  std::vector<const float*> nodes_;  // [owned × ranks], by subtree
  SumTree tree_;
};

}  // namespace ncf
