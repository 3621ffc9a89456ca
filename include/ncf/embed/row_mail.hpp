#pragma once
/// What RowExchange moves between ranks of one host, moved in memory that they share (mailbox.hpp): nothing
/// is sent, and a row is copied once, by another rank that uses it. Bytes count as those of messages.
///
/// A step writes its boxes in this order, which gives each of them its rest: wishes (two boxes by turns, so
/// that plans may follow each other), rows with the answers to the wishes, gradients.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ncf/comm/mailbox.hpp"
#include "ncf/embed/table_routes.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

/// What the ranks tell each other to plan a batch. A rank says a few words to each other one, the last of
/// them its notes, the others how many rows it wants, table by table and part by part; and which, in that
/// order.
struct Wishes {
  std::vector<int64_t> words, heard_words;  // [ranks × words]: for each rank, from each rank
  std::vector<int32_t> rows, heard_rows;    // by rank, as many as the words say

  /// All wishes that so many words add up to.
  static int64_t count(std::span<const int64_t> words_of_rank);
};

class RowMail {
 public:
  /// Null on all ranks where Mailbox::open says so. Collective.
  static std::unique_ptr<RowMail> open(Communicator& comm, std::size_t tables);

  /// Fills what is heard. Collective.
  void exchange(Communicator& comm, Wishes& wishes);

  /// Room for what this rank says of rows that it owns, and for the gradients that it returns to owners.
  MatrixView room_for_rows(std::size_t table, int64_t rows, int64_t cols);
  MatrixView room_for_gradients(std::size_t table, int64_t rows, int64_t cols);

  /// here[t], the rows that table t's samples read: those that others bring, from their rooms. Collective,
  /// and so is what follows; `bytes` are those that this rank would send.
  void gather(Communicator& comm, std::span<const TableRoutes> routes, std::span<const MatrixView> here,
              uint64_t bytes);

  /// After it what came_back() is to be read.
  void send_back(Communicator& comm, uint64_t bytes) { mail_->meet(comm, bytes); }
  /// What rank `rank` returns for the rows that it wanted of this one.
  /// Another rank's only: this one's own gradients are not among what comes back.
  ConstMatrixView came_back(std::size_t rank, std::size_t table, int64_t rows, int64_t cols) const;

 private:
  explicit RowMail(std::unique_ptr<Mailbox> mail, std::size_t tables)
      : mail_(std::move(mail)), tables_(tables) {}
  void answer(std::span<const TableRoutes> routes);

  int rows_box(std::size_t table) const { return 3 + static_cast<int>(table); }
  int gradients_box(std::size_t table) const { return 3 + static_cast<int>(tables_ + table); }

  std::unique_ptr<Mailbox> mail_;  // boxes: wishes twice, answers, rows of each table, gradients of each
  std::size_t tables_ = 0;
  int plans_ = 0;
  // [ranks × tables]: where this rank's rows begin among those that are brought to a rank
  std::vector<int64_t> first_back_;
};

}  // namespace ncf
