#pragma once
/// The routes of a batch: which rows it needs of every table, who owns them, and the way there and back.
/// Planned once from the ids, used forward to bring what the owners have to say of each row (the row itself,
/// or a layer's products with it) and, reversed, to return summed gradients of that, which is the adjoint.
/// Traffic is the lower bound of the scheme: unique rows only, both ways, nothing sent to oneself, and what
/// belongs to the rows of all tables travels in one message a pair of ranks; on one host, in memory that the
/// ranks share (row_mail.hpp).
///
/// All that travels stands here, each row beginning on a cache line: owners write outgoing(), samples read
/// gathered() and write gradients(), owners read what add_up() returns. A rank's own rows stand in the same
/// matrix as those that are brought to it (table_routes.hpp), both ways: samples read what their owner wrote
/// and add where it reads. A rank alone has nothing else.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/embed/row_mail.hpp"
#include "ncf/embed/row_trip.hpp"
#include "ncf/embed/table_routes.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/matrix.hpp"
#include "ncf/util/sum_tree.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

class RowExchange {
 public:
  /// `total_rows`: of each table, over all ranks. The threads of `pool`, which must outlive it, share the
  /// work.
  RowExchange(ShardMap shards, Granules granules, std::span<const int64_t> total_rows, WorkerPool& pool);

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

  /// Room for what this rank says of the rows that it owns, [owned × cols], whose values are unspecified; it
  /// is to be filled for every table before the first part is gathered. `cols`: the same on all ranks.
  MatrixView outgoing(std::size_t table, int64_t cols);
  /// Brings a part of the rows. While it does, those of earlier parts may be read. `wire`: the same on all
  /// ranks; a rank's own rows, and those that it reads in place, are never rounded. Collective.
  void gather_part(Communicator& comm, int64_t part, Wire wire = Wire::fp32);
  /// What its owner says of each row that is brought here or owned here and used by any rank:
  /// [routes(table).rows() × cols].
  ConstMatrixView gathered(std::size_t table) const { return travels_[table].gathered; }

  /// Room for the gradients of gathered(), whose values are unspecified; those of rows that no sample here
  /// uses may stay so.
  MatrixView gradients(std::size_t table);
  /// What tables [first, last) have to return travels in one message a pair of ranks. `wire` as above.
  /// Collective.
  void send_back(Communicator& comm, std::size_t first, std::size_t last, Wire wire = Wire::fp32);
  /// Then, for each row this rank owns, the gradients of all ranks added up, [owned × cols]: along the tree
  /// of granules.hpp, or this rank's first, then the others' in their order. One table may be while another
  /// travels.
  MatrixView add_up(std::size_t table);

 private:
  /// What travels of one table's rows.
  struct Travel {
    MatrixView gathered, gradients;  // in the matrices below, or in the mail's rooms
    Matrix own_gathered, own_gradients;
    std::vector<ConstMatrixView> came_back;  // [ranks], until they are added up; of this one, nothing
    Matrix sums;                             // along the tree
    std::vector<uint8_t> begun;              // [owned]: whether a sum has its first term
  };

  std::size_t tables() const { return routes_.size(); }
  /// Of a matrix for all that samples read, the rows that this rank owns.
  MatrixView owned(std::size_t table, MatrixView rows) const;
  void write_wishes(std::size_t ranks, uint64_t notes);
  void send_wishes(Communicator& comm);
  uint64_t follow_wishes(std::size_t ranks);
  void gather_by_message(Communicator& comm, int64_t part, Wire wire);
  void send_back_by_message(Communicator& comm, std::size_t first, std::size_t last, Wire wire);
  MatrixView add_in_rank_order(std::size_t table);
  MatrixView add_along_tree(std::size_t table);

  ShardMap shards_;
  Granules granules_;
  WorkerPool* pool_;
  std::vector<TableRoutes> routes_;
  std::vector<Travel> travels_;  // [tables]
  Wishes wishes_;
  std::vector<RowTrip> trips_;  // [tables]: each may need a way back at once; the first brings all rows
  std::unique_ptr<RowMail> mail_;
  std::vector<int32_t> places_;  // of one table, wanted by all ranks
  std::vector<int64_t> counts_;
  std::vector<float> zeros_;
  std::vector<const float*> nodes_;  // [owned × ranks], by subtree
  SumTree tree_;
};

}  // namespace ncf
