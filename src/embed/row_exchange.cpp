#include "ncf/embed/row_exchange.hpp"

#include <algorithm>
#include <numeric>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

MatrixView reshaped(Matrix& matrix, int64_t rows, int64_t cols) {
  matrix.reshape_aligned(rows, cols);
  return matrix.view();
}

}  // namespace

RowExchange::RowExchange(ShardMap shards, Granules granules, std::span<const int64_t> total_rows,
                         WorkerPool& pool)
    : shards_(shards),
      granules_(granules),
      pool_(&pool),
      travels_(total_rows.size()),
      trips_(total_rows.size()) {
  // Each class is a thread's work: with a few rows of it together, threads seldom write to one cache line.
  const int64_t run = granules.fixed_order ? 1 : 16;
  for (const int64_t rows : total_rows) routes_.emplace_back(shards, rows, granules.a_rank(), run);
}

void RowExchange::share_memory(Communicator& comm) {
  mail_ = RowMail::open(comm, tables());
}

uint64_t RowExchange::plan(Communicator& comm, std::span<const std::span<const int32_t>> ids, uint64_t notes,
                           SampleParts parts) {
  const bool alone = comm.size() == 1;
  pool_->run(std::ssize(routes_), [&](int64_t k, int64_t) {
    const auto t = static_cast<std::size_t>(k);
    routes_[t].find_unique(ids[t], alone ? SampleParts{} : parts);
    if (alone) routes_[t].set_wanted_by_self();
  });
  if (alone) return notes;
  const auto ranks = static_cast<std::size_t>(comm.size());
  write_wishes(ranks, notes);
  mail_ != nullptr ? mail_->exchange(comm, wishes_) : send_wishes(comm);
  return follow_wishes(ranks);
}

void RowExchange::write_wishes(std::size_t ranks, uint64_t notes) {
  wishes_.words.clear();
  wishes_.rows.clear();
  for (std::size_t r = 0; r < ranks; ++r) {
    for (const TableRoutes& of_table : routes_) {
      for (int64_t k = 0; k < parts(); ++k) wishes_.words.push_back(of_table.unique_of(r, k).count);
      const RowRange range = of_table.unique_of(r);
      const auto first = of_table.places().begin() + range.first;
      wishes_.rows.insert(wishes_.rows.end(), first, first + range.count);
    }
    wishes_.words.push_back(static_cast<int64_t>(notes));
  }
}

void RowExchange::send_wishes(Communicator& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::size_t words = wishes_.words.size() / ranks;
  wishes_.heard_words.resize(wishes_.words.size());
  comm.all_to_all(std::span<const int64_t>(wishes_.words), std::span(wishes_.heard_words));
  std::vector<int64_t> send(ranks), receive(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    send[r] = Wishes::count(std::span(wishes_.words).subspan(r * words, words));
    receive[r] = Wishes::count(std::span(wishes_.heard_words).subspan(r * words, words));
  }
  wishes_.heard_rows.resize(
      static_cast<std::size_t>(std::accumulate(receive.begin(), receive.end(), int64_t{0})));
  comm.all_to_all_v(std::span<const int32_t>(wishes_.rows), std::span<const int64_t>(send),
                    std::span(wishes_.heard_rows), std::span<const int64_t>(receive));
}

/// Returns the notes of all ranks.
uint64_t RowExchange::follow_wishes(std::size_t ranks) {
  const auto of_table = static_cast<std::size_t>(parts());
  const std::size_t words = tables() * of_table + 1;
  uint64_t notes = 0;
  for (std::size_t r = 0; r < ranks; ++r)
    notes |= static_cast<uint64_t>(wishes_.heard_words[(r + 1) * words - 1]);
  for (std::size_t t = 0; t < tables(); ++t) {
    places_.clear();
    counts_.clear();
    auto from = wishes_.heard_rows.begin();
    for (std::size_t r = 0; r < ranks; ++r)
      for (std::size_t word = 0; word + 1 < words; ++word) {
        const int64_t count = wishes_.heard_words[r * words + word];
        if (word / of_table == t) {
          counts_.push_back(count);
          places_.insert(places_.end(), from, from + count);
        }
        from += count;
      }
    routes_[t].set_wanted(places_, counts_);
  }
  return notes;
}

MatrixView RowExchange::outgoing(std::size_t table, int64_t cols) {
  Travel& travel = travels_[table];
  const int64_t rows = routes_[table].rows();
  travel.gathered = mail_ != nullptr && parts() == 1 ? mail_->room_for_rows(table, rows, cols)
                                                     : reshaped(travel.own_gathered, rows, cols);
  return owned(table, travel.gathered);
}

MatrixView RowExchange::owned(std::size_t table, MatrixView rows) const {
  return rows.rows_from(routes_[table].brought(), std::ssize(routes_[table].owned()));
}

void RowExchange::gather_part(Communicator& comm, int64_t part, Wire wire) {
  if (comm.size() == 1) return;
  // A box must rest between two deliveries: several parts in a row go by message.
  if (mail_ == nullptr || parts() > 1) return gather_by_message(comm, part, wire);
  std::vector<MatrixView> here;
  uint64_t values = 0;
  for (std::size_t t = 0; t < tables(); ++t) {
    here.push_back(travels_[t].gathered);
    const int64_t others =
        std::ssize(routes_[t].wanted()) - routes_[t].wanted_of(static_cast<std::size_t>(comm.rank())).count;
    values += static_cast<uint64_t>(others * here.back().cols);
  }
  mail_->gather(comm, routes_, here, values * sizeof(float));
}

void RowExchange::gather_by_message(Communicator& comm, int64_t part, Wire wire) {
  const auto self = static_cast<std::size_t>(comm.rank()), ranks = static_cast<std::size_t>(comm.size());
  RowTrip& trip = trips_[0];
  trip.begin(comm.size(), wire);
  for (std::size_t t = 0; t < tables(); ++t)
    for (std::size_t r = 0; r < ranks; ++r)
      if (r != self)
        trip.count(r, routes_[t].wanted_of(r, part).count * travels_[t].gathered.cols,
                   routes_[t].brought_by(r, part).count * travels_[t].gathered.cols);
  trip.make_room();
  for (std::size_t r = 0; r < ranks; ++r)
    for (std::size_t t = 0; t < tables() && r != self; ++t) {
      const MatrixView rows = owned(t, travels_[t].gathered);
      const RowRange wishes = routes_[t].wanted_of(r, part);
      for (int64_t k = wishes.first; k < wishes.first + wishes.count; ++k)
        trip.write(rows.row(routes_[t].wanted()[static_cast<std::size_t>(k)]), rows.cols);
    }
  trip.make(comm);
  for (std::size_t r = 0; r < ranks; ++r)
    for (std::size_t t = 0; t < tables() && r != self; ++t) {
      const MatrixView rows = travels_[t].gathered;
      const RowRange here = routes_[t].brought_by(r, part);
      for (int64_t k = here.first; k < here.first + here.count; ++k)
        std::copy_n(trip.read(r, rows.cols), rows.cols, rows.row(k));
    }
}

MatrixView RowExchange::gradients(std::size_t table) {
  Travel& travel = travels_[table];
  const int64_t rows = travel.gathered.rows, cols = travel.gathered.cols;
  travel.gradients = mail_ != nullptr ? mail_->room_for_gradients(table, rows, cols)
                                      : reshaped(travel.own_gradients, rows, cols);
  return travel.gradients;
}

void RowExchange::send_back(Communicator& comm, std::size_t first, std::size_t last, Wire wire) {
  if (comm.size() == 1) return;
  if (mail_ == nullptr) return send_back_by_message(comm, first, last, wire);
  const auto self = static_cast<std::size_t>(comm.rank());
  uint64_t values = 0;
  for (std::size_t t = first; t < last; ++t)
    values += static_cast<uint64_t>(routes_[t].brought() * travels_[t].gradients.cols);
  mail_->send_back(comm, values * sizeof(float));
  for (std::size_t t = first; t < last; ++t) {
    Travel& travel = travels_[t];
    travel.came_back.clear();
    for (std::size_t r = 0; r < static_cast<std::size_t>(comm.size()); ++r)
      travel.came_back.push_back(
          r == self ? ConstMatrixView()
                    : mail_->came_back(r, t, routes_[t].wanted_of(r).count, travel.gradients.cols));
  }
}

void RowExchange::send_back_by_message(Communicator& comm, std::size_t first, std::size_t last, Wire wire) {
  const auto self = static_cast<std::size_t>(comm.rank()), ranks = static_cast<std::size_t>(comm.size());
  RowTrip& trip = trips_[first];
  trip.begin(comm.size(), wire);
  for (std::size_t t = first; t < last; ++t)
    for (std::size_t r = 0; r < ranks; ++r)
      if (r != self)
        trip.count(r, routes_[t].brought_by(r).count * travels_[t].gradients.cols,
                   routes_[t].wanted_of(r).count * travels_[t].gradients.cols);
  trip.make_room();
  for (std::size_t r = 0; r < ranks; ++r)
    for (std::size_t t = first; t < last && r != self; ++t) {
      const RowRange range = routes_[t].brought_by(r);
      const MatrixView rows = travels_[t].gradients;
      for (int64_t k = 0; k < range.count; ++k) trip.write(rows.row(range.first + k), rows.cols);
    }
  trip.make(comm);
  for (std::size_t t = first; t < last; ++t) {
    const int64_t cols = travels_[t].gradients.cols;
    travels_[t].came_back.clear();
    for (std::size_t r = 0; r < ranks; ++r) {
      const int64_t rows = r == self ? 0 : routes_[t].wanted_of(r).count;
      travels_[t].came_back.push_back(r == self ? ConstMatrixView()
                                                : ConstMatrixView(trip.read(r, rows * cols), rows, cols));
    }
  }
}

MatrixView RowExchange::add_up(std::size_t table) {
  if (shards_.world == 1) return travels_[table].gradients;
  return granules_.fixed_order ? add_along_tree(table) : add_in_rank_order(table);
}

MatrixView RowExchange::add_in_rank_order(std::size_t table) {
  Travel& travel = travels_[table];
  const TableRoutes& routes = routes_[table];
  const MatrixView sums = owned(table, travel.gradients);
  travel.begun.assign(static_cast<std::size_t>(sums.rows), 0);
  const auto wishes = [&](std::size_t rank) {
    const RowRange of = routes.wanted_of(rank);
    return routes.wanted().subspan(static_cast<std::size_t>(of.first), static_cast<std::size_t>(of.count));
  };
  for (const int32_t here : wishes(static_cast<std::size_t>(shards_.rank)))
    travel.begun[static_cast<std::size_t>(here)] = 1;
  for (std::size_t r = 0; r < travel.came_back.size(); ++r) {
    const ConstMatrixView rows = travel.came_back[r];
    for (int64_t k = 0; k < rows.rows; ++k) {
      const int32_t at = wishes(r)[static_cast<std::size_t>(k)];
      uint8_t& begun = travel.begun[static_cast<std::size_t>(at)];
      begun != 0 ? add_row(rows.cols, rows.row(k), sums.row(at))
                 : void(std::copy_n(rows.row(k), rows.cols, sums.row(at)));
      begun = 1;
    }
  }
  return sums;
}

MatrixView RowExchange::add_along_tree(std::size_t table) {
  // A rank that does not use a row counts as zeros, as a granule does (RowSums).
  Travel& travel = travels_[table];
  const TableRoutes& routes = routes_[table];
  const MatrixView own = owned(table, travel.gradients);
  const std::size_t world = travel.came_back.size();
  travel.sums.reshape_aligned(own.rows, own.cols);
  zeros_.assign(static_cast<std::size_t>(own.cols), 0.0F);
  nodes_.assign(static_cast<std::size_t>(own.rows) * world, zeros_.data());
  for (std::size_t r = 0; r < world; ++r) {
    const auto subtree = static_cast<std::size_t>(granules_.subtree(static_cast<int64_t>(r)));
    const RowRange wishes = routes.wanted_of(r);
    for (int64_t k = 0; k < wishes.count; ++k) {
      const int32_t at = routes.wanted()[static_cast<std::size_t>(wishes.first + k)];
      const bool here = static_cast<int64_t>(r) == shards_.rank;
      nodes_[static_cast<std::size_t>(at) * world + subtree] =
          here ? own.row(at) : travel.came_back[r].row(k);
    }
  }
  for (int64_t k = 0; k < own.rows; ++k)
    tree_.sum(std::span(nodes_).subspan(static_cast<std::size_t>(k) * world, world), own.cols,
              travel.sums.row(k));
  return travel.sums.view();
}

}  // namespace ncf
