#include "ncf/embed/row_exchange.hpp"

#include <algorithm>
#include <numeric>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

void grow(AlignedVector<float>& buffer, std::size_t values) {
  if (buffer.size() < values) buffer.resize(values);
}

std::size_t total(std::span<const int64_t> counts) {
  return static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
}

}  // namespace

RowExchange::RowExchange(ShardMap shards, Granules granules, std::span<const int64_t> total_rows)
    : shards_(shards), granules_(granules), trips_(total_rows.size()), came_back_(total_rows.size()) {
  for (const int64_t rows : total_rows) routes_.emplace_back(shards, rows, granules.a_rank());
}

void RowExchange::share_memory(Communicator& comm) {
  mail_ = Mailbox::open(comm, 1 + static_cast<int>(tables()));
}

uint64_t RowExchange::plan(Communicator& comm, std::span<const std::span<const int32_t>> ids, uint64_t notes,
                           SampleParts parts) {
  if (comm.size() == 1) {
    for (std::size_t t = 0; t < tables(); ++t) {
      routes_[t].find_unique(ids[t]);
      routes_[t].set_wanted_by_self();
    }
    return notes;
  }
  for (std::size_t t = 0; t < tables(); ++t) routes_[t].find_unique(ids[t], parts);
  // First how many rows of each table and part (and the notes), then which: table after table for each rank.
  const auto world = static_cast<std::size_t>(comm.size()), of_table = static_cast<std::size_t>(parts.count);
  const std::size_t words = tables() * of_table + 1;
  std::vector<int64_t> ask(world * words, static_cast<int64_t>(notes)), asked(world * words);
  std::vector<int64_t> ask_total(world), asked_total(world);
  std::vector<int32_t> wishes;
  for (std::size_t r = 0; r < world; ++r)
    for (std::size_t t = 0; t < tables(); ++t) {
      for (std::size_t k = 0; k < of_table; ++k)
        ask[r * words + t * of_table + k] = routes_[t].unique_of(r, static_cast<int64_t>(k)).count;
      const RowRange range = routes_[t].unique_of(r);
      ask_total[r] += range.count;
      const auto first = routes_[t].places().begin() + range.first;
      wishes.insert(wishes.end(), first, first + range.count);
    }
  comm.all_to_all(std::span<const int64_t>(ask), std::span<int64_t>(asked));
  for (std::size_t r = 0; r < world; ++r) {
    const auto of_rank = std::span(asked).subspan(r * words, words);
    asked_total[r] = std::accumulate(of_rank.begin(), of_rank.end() - 1, int64_t{0});
    notes |= static_cast<uint64_t>(of_rank.back());
  }
  std::vector<int32_t> heard(total(asked_total));
  comm.all_to_all_v(std::span<const int32_t>(wishes), std::span<const int64_t>(ask_total),
                    std::span<int32_t>(heard), std::span<const int64_t>(asked_total));
  std::vector<std::vector<int32_t>> places(tables());
  std::vector<std::vector<int64_t>> counts(tables());
  auto from = heard.begin();
  for (std::size_t r = 0; r < world; ++r)
    for (std::size_t t = 0; t < tables(); ++t) {
      const auto of_rank = std::span(asked).subspan(r * words + t * of_table, of_table);
      counts[t].insert(counts[t].end(), of_rank.begin(), of_rank.end());
      const int64_t count = std::accumulate(of_rank.begin(), of_rank.end(), int64_t{0});
      places[t].insert(places[t].end(), from, from + count);
      from += count;
    }
  for (std::size_t t = 0; t < tables(); ++t) routes_[t].set_wanted(places[t], counts[t]);
  return notes;
}

void RowExchange::begin_gather(std::span<const Matrix> there, std::span<Matrix> here) const {
  for (std::size_t t = 0; t < tables(); ++t) here[t].reshape_aligned(routes_[t].unique(), there[t].cols());
}

void RowExchange::gather_part(Communicator& comm, int64_t part, std::span<Matrix> there,
                              std::span<Matrix> here) {
  if (comm.size() == 1) {  // its unique rows are its owned rows, in the same order
    for (std::size_t t = 0; t < tables(); ++t) std::swap(there[t], here[t]);
    return;
  }
  const auto self = static_cast<std::size_t>(comm.rank());
  Trip& trip = trips_[0];
  trip.begin(comm.size());
  for (std::size_t t = 0; t < tables(); ++t)
    for (std::size_t r = 0; r < trip.send_counts.size(); ++r) {
      if (r == self) continue;
      trip.send_counts[r] += routes_[t].wanted_of(r, part).count * there[t].cols();
      trip.receive_counts[r] += routes_[t].unique_of(r, part).count * here[t].cols();
    }
  const auto wishes = [&](std::size_t t, std::size_t r) {
    const RowRange range = routes_[t].wanted_of(r, part);
    return routes_[t].wanted().subspan(static_cast<std::size_t>(range.first),
                                       static_cast<std::size_t>(range.count));
  };
  // A box must rest between two deliveries: several parts in a row go by message.
  Mailbox* const mail = parts() == 1 ? mail_.get() : nullptr;
  float* to = trip.room_to_send(mail, 0);
  for (std::size_t r = 0; r < trip.send_counts.size(); ++r)
    for (std::size_t t = 0; t < tables() && r != self; ++t)
      for (const int32_t row : wishes(t, r)) to = std::copy_n(there[t].row(row), there[t].cols(), to);
  trip.make(comm, mail, 0);
  for (std::size_t r = 0; r < trip.send_counts.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t) {
      int64_t k = routes_[t].unique_of(r, part).first;
      if (r == self) {
        for (const int32_t row : wishes(t, r))
          std::copy_n(there[t].row(row), there[t].cols(), here[t].row(k++));
        continue;
      }
      for (int64_t n = routes_[t].unique_of(r, part).count; n > 0; --n, trip.from[r] += here[t].cols())
        std::copy_n(trip.from[r], here[t].cols(), here[t].row(k++));
    }
}

void RowExchange::gather(Communicator& comm, std::span<Matrix> there, std::span<Matrix> here) {
  begin_gather(there, here);
  for (int64_t part = 0; part < parts(); ++part) gather_part(comm, part, there, here);
}

void RowExchange::send_back(Communicator& comm, std::size_t first, std::size_t last,
                            std::span<Matrix* const> gradients) {
  if (comm.size() == 1) return;
  const auto self = static_cast<std::size_t>(comm.rank());
  Trip& trip = trips_[first];
  trip.begin(comm.size());
  for (std::size_t t = first; t < last; ++t)
    for (std::size_t r = 0; r < trip.send_counts.size(); ++r) {
      if (r == self) continue;
      trip.send_counts[r] += routes_[t].unique_of(r).count * gradients[t]->cols();
      trip.receive_counts[r] += routes_[t].wanted_of(r).count * gradients[t]->cols();
    }
  const int box = 1 + static_cast<int>(first);
  float* to = trip.room_to_send(mail_.get(), box);
  for (std::size_t r = 0; r < trip.send_counts.size(); ++r)
    for (std::size_t t = first; t < last && r != self; ++t) {
      const RowRange range = routes_[t].unique_of(r);
      for (int64_t k = 0; k < range.count; ++k)
        to = std::copy_n(gradients[t]->row(range.first + k), gradients[t]->cols(), to);
    }
  trip.make(comm, mail_.get(), box);
  for (std::size_t t = first; t < last; ++t) {
    came_back_[t].clear();
    for (std::size_t r = 0; r < trip.from.size(); ++r) {
      const RowRange range = r == self ? routes_[t].unique_of(r) : routes_[t].wanted_of(r);
      const ConstMatrixView rows = gradients[t]->view();
      came_back_[t].push_back(r == self ? rows.rows_from(range.first, range.count)
                                        : ConstMatrixView(trip.from[r], range.count, rows.cols));
      if (r != self) trip.from[r] += range.count * rows.cols;
    }
  }
}

void RowExchange::add_up(std::size_t table, Matrix& gradients, Matrix& sums) {
  if (shards_.world == 1) return std::swap(gradients, sums);
  sums.reshape_aligned(std::ssize(routes_[table].owned()), gradients.cols());
  granules_.fixed_order ? add_along_tree(table, sums) : add_in_rank_order(table, sums);
}

void RowExchange::return_sum(Communicator& comm, std::span<Matrix* const> gradients, std::span<Matrix> sums) {
  send_back(comm, 0, tables(), gradients);
  for (std::size_t t = 0; t < tables(); ++t) add_up(t, *gradients[t], sums[t]);
}

void RowExchange::Trip::begin(int ranks) {
  send_counts.assign(static_cast<std::size_t>(ranks), 0);
  receive_counts.assign(static_cast<std::size_t>(ranks), 0);
}

float* RowExchange::Trip::room_to_send(Mailbox* mail, int box) {
  if (mail != nullptr) return mail->room(box, static_cast<int64_t>(total(send_counts)));
  grow(send, total(send_counts));
  grow(receive, total(receive_counts));
  return send.data();
}

void RowExchange::Trip::make(Communicator& comm, Mailbox* mail, int box) {
  from.resize(send_counts.size());
  if (mail != nullptr) return mail->deliver(comm, box, send_counts, from);
  comm.all_to_all_v(
      std::span<const float>(send.data(), total(send_counts)), std::span<const int64_t>(send_counts),
      std::span<float>(receive.data(), total(receive_counts)), std::span<const int64_t>(receive_counts));
  const float* at = receive.data();
  for (std::size_t r = 0; r < from.size(); ++r) {
    from[r] = at;
    at += receive_counts[r];
  }
}

void RowExchange::add_in_rank_order(std::size_t table, Matrix& sums) const {
  sums.fill(0);
  auto wanted = routes_[table].wanted().begin();
  for (const ConstMatrixView& rows : came_back_[table])
    for (int64_t k = 0; k < rows.rows; ++k) add_row(rows.cols, rows.row(k), sums.row(*wanted++));
}

void RowExchange::add_along_tree(std::size_t table, Matrix& sums) {
  // A rank that does not use a row counts as zeros, as a granule does (RowSums).
  const std::size_t world = came_back_[table].size();
  zeros_.assign(static_cast<std::size_t>(sums.cols()), 0.0F);
  nodes_.assign(static_cast<std::size_t>(sums.rows()) * world, zeros_.data());
  auto wanted = routes_[table].wanted().begin();
  for (std::size_t r = 0; r < world; ++r) {
    const auto subtree = static_cast<std::size_t>(granules_.subtree(static_cast<int64_t>(r)));
    const ConstMatrixView rows = came_back_[table][r];
    for (int64_t k = 0; k < rows.rows; ++k)
      nodes_[static_cast<std::size_t>(*wanted++) * world + subtree] = rows.row(k);
  }
  for (int64_t k = 0; k < sums.rows(); ++k)
    tree_.sum(std::span(nodes_).subspan(static_cast<std::size_t>(k) * world, world), sums.cols(),
              sums.row(k));
}

}  // namespace ncf
