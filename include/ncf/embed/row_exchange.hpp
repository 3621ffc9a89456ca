#pragma once
/// The routes of a batch: which rows it needs of every table, who owns them, and the way there and back.
/// Planned once from the ids, used forward to bring what the owners have to say of each row (the row itself,
/// or a layer's products with it) and, reversed, to return summed gradients of that: return_sum is the
/// adjoint of gather. Traffic is the lower bound of the scheme: unique rows only, both ways, nothing sent to
/// oneself, and what belongs to the rows of all tables travels in one message a pair of ranks.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/mailbox.hpp"
#include "ncf/embed/table_routes.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/matrix.hpp"
#include "ncf/util/sum_tree.hpp"

namespace ncf {

class RowExchange {
 public:
  /// `total_rows`: of each table, over all ranks.
  RowExchange(ShardMap shards, Granules granules, std::span<const int64_t> total_rows);

  /// Routes for the ids of each table; the same samples in each, whose rows will come in `parts`. `notes` are
  /// bits that each rank has to tell the others; returns those of all ranks united. They ride on an exchange
  /// that is made anyway. Collective.
  uint64_t plan(Communicator& comm, std::span<const std::span<const int32_t>> ids, uint64_t notes = 0,
                SampleParts parts = {});

  /// From now on the ranks of one host read each other's rows where they are, instead of sending messages; on
  /// several hosts nothing changes. Collective.
  void share_memory(Communicator& comm);

  const TableRoutes& routes(std::size_t table) const { return routes_[table]; }
  /// In how many parts the rows come: one for a rank alone.
  int64_t parts() const { return routes_[0].parts(); }

  /// here[t] [unique × cols] = for each row of table t that the plan names, its owner's row of there[t]
  /// [owned × cols]. there[t] is unspecified afterwards. Collective.
  void gather(Communicator& comm, std::span<Matrix> there, std::span<Matrix> here);

  /// The same bit by bit: once the room for them is made, the rows of the parts come in any steps. While they
  /// do, those of earlier parts may be read. gather_part is collective.
  void begin_gather(std::span<const Matrix> there, std::span<Matrix> here) const;
  void gather_part(Communicator& comm, int64_t part, std::span<Matrix> there, std::span<Matrix> here);

  /// sums[t] [owned × cols] = for each row this rank owns, the ranks' rows of gradients[t] [unique × cols]
  /// added up: along the tree of granules.hpp, or in rank order. gradients[t] is unspecified afterwards.
  /// Collective.
  void return_sum(Communicator& comm, std::span<Matrix* const> gradients, std::span<Matrix> sums);

  /// The same in its two halves. What tables [first, last) have to return travels in one message a pair of
  /// ranks, which is collective; then each table's is added up. One table may be while another travels.
  void send_back(Communicator& comm, std::size_t first, std::size_t last, std::span<Matrix* const> gradients);
  void add_up(std::size_t table, Matrix& gradients, Matrix& sums);

 private:
  /// One all-to-all of values: by rank, table after table; what a rank has for itself is not among them.
  struct Trip {
    std::vector<int64_t> send_counts, receive_counts;  // [ranks]
    std::vector<const float*> from;                    // [ranks]: where lies what came
    AlignedVector<float> send, receive;                // unless it goes by mail

    void begin(int ranks);
    float* room_to_send(Mailbox* mail, int box);
    void make(Communicator& comm, Mailbox* mail, int box);
  };

  std::size_t tables() const { return routes_.size(); }
  void add_in_rank_order(std::size_t table, Matrix& sums) const;
  void add_along_tree(std::size_t table, Matrix& sums);

  ShardMap shards_;
  Granules granules_;
  std::vector<TableRoutes> routes_;
  std::vector<Trip>
      trips_;  // [tables]: a way back each may need at once; all that is gathered takes the first
  std::unique_ptr<Mailbox> mail_;  // boxes: what is gathered, then each table's way back
  std::vector<std::vector<ConstMatrixView>> came_back_;  // [tables][ranks], until they are added up
  std::vector<float> zeros_;
  std::vector<const float*> nodes_;  // [owned × ranks], by subtree
  SumTree tree_;
};

}  // namespace ncf
