#include "ncf/embed/row_exchange.hpp"

#include <algorithm>
#include <numeric>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

void grow(AlignedVector<float>& buffer, int64_t values) {
  if (buffer.size() < static_cast<std::size_t>(values)) buffer.resize(static_cast<std::size_t>(values));
}

std::size_t total(std::span<const int64_t> counts) {
  return static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
}

}  // namespace

RowExchange::RowExchange(ShardMap shards, Granules granules, std::span<const int64_t> total_rows)
    : shards_(shards), granules_(granules) {
  for (const int64_t rows : total_rows) routes_.emplace_back(shards, rows, granules.a_rank());
}

uint64_t RowExchange::plan(Communicator& comm, std::span<const std::span<const int32_t>> ids,
                           uint64_t notes) {
  for (std::size_t t = 0; t < tables(); ++t) routes_[t].find_unique(ids[t]);
  if (comm.size() == 1) {
    for (TableRoutes& r : routes_) r.set_wanted_by_self();
    return notes;
  }
  // First how many rows of each table (and the notes), then which: table after table for each rank.
  const auto world = static_cast<std::size_t>(comm.size());
  const std::size_t words = tables() + 1;
  std::vector<int64_t> ask(world * words, static_cast<int64_t>(notes)), asked(world * words);
  std::vector<int64_t> ask_total(world), asked_total(world);
  std::vector<int32_t> wishes;
  std::vector<std::size_t> at(tables(), 0);
  for (std::size_t r = 0; r < world; ++r)
    for (std::size_t t = 0; t < tables(); ++t) {
      const auto count = static_cast<std::size_t>(routes_[t].unique_counts()[r]);
      ask[r * words + t] = static_cast<int64_t>(count);
      ask_total[r] += static_cast<int64_t>(count);
      const auto places = routes_[t].places().subspan(at[t], count);
      wishes.insert(wishes.end(), places.begin(), places.end());
      at[t] += count;
    }
  comm.all_to_all(std::span<const int64_t>(ask), std::span<int64_t>(asked));
  for (std::size_t r = 0; r < world; ++r) {
    for (std::size_t t = 0; t < tables(); ++t) asked_total[r] += asked[r * words + t];
    notes |= static_cast<uint64_t>(asked[r * words + tables()]);
  }
  std::vector<int32_t> heard(total(asked_total));
  comm.all_to_all_v(std::span<const int32_t>(wishes), std::span<const int64_t>(ask_total),
                    std::span<int32_t>(heard), std::span<const int64_t>(asked_total));
  std::vector<int32_t> places;
  std::vector<int64_t> counts(world);
  for (std::size_t t = 0; t < tables(); ++t) {
    places.clear();
    auto from = heard.begin();
    for (std::size_t r = 0; r < world; ++r)
      for (std::size_t u = 0; u < tables(); ++u) {
        const int64_t count = asked[r * words + u];
        if (u == t) places.insert(places.end(), from, from + count);
        if (u == t) counts[r] = count;
        from += count;
      }
    routes_[t].set_wanted(places, counts);
  }
  return notes;
}

template <class Counts>
void RowExchange::count_values(Counts counts, std::span<const int64_t> cols,
                               std::vector<int64_t>& out) const {
  out.assign(static_cast<std::size_t>(shards_.world), 0);
  for (std::size_t t = 0; t < tables(); ++t)
    for (std::size_t r = 0; r < out.size(); ++r) out[r] += counts(routes_[t])[r] * cols[t];
}

void RowExchange::gather(Communicator& comm, std::span<Matrix> there, std::span<Matrix> here) {
  if (comm.size() == 1) {  // its unique rows are its owned rows, in the same order
    for (std::size_t t = 0; t < tables(); ++t) std::swap(there[t], here[t]);
    return;
  }
  std::vector<int64_t> cols;
  for (const Matrix& m : there) cols.push_back(m.cols());
  count_values([](const TableRoutes& r) { return r.wanted_counts(); }, cols, wanted_values_);
  count_values([](const TableRoutes& r) { return r.unique_counts(); }, cols, unique_values_);
  const std::size_t sent = total(wanted_values_), received = total(unique_values_);
  grow(send_, static_cast<int64_t>(sent));
  grow(receive_, static_cast<int64_t>(received));
  float* to = send_.data();
  std::vector<std::size_t> at(tables(), 0);
  for (std::size_t r = 0; r < wanted_values_.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t)
      for (int64_t k = 0; k < routes_[t].wanted_counts()[r]; ++k)
        to = std::copy_n(there[t].row(routes_[t].wanted()[at[t]++]), cols[t], to);
  comm.all_to_all_v(std::span<const float>(send_.data(), sent), std::span<const int64_t>(wanted_values_),
                    std::span<float>(receive_.data(), received), std::span<const int64_t>(unique_values_));
  const float* from = receive_.data();
  for (std::size_t t = 0; t < tables(); ++t) here[t].reshape_aligned(routes_[t].unique(), cols[t]);
  at.assign(tables(), 0);
  for (std::size_t r = 0; r < unique_values_.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t)
      for (int64_t k = 0; k < routes_[t].unique_counts()[r]; ++k, from += cols[t])
        std::copy_n(from, cols[t], here[t].row(static_cast<int64_t>(at[t]++)));
}

void RowExchange::return_sum(Communicator& comm, std::span<Matrix* const> gradients, std::span<Matrix> sums) {
  if (comm.size() == 1) {
    for (std::size_t t = 0; t < tables(); ++t) std::swap(*gradients[t], sums[t]);
    return;
  }
  std::vector<int64_t> cols;
  for (const Matrix* m : gradients) cols.push_back(m->cols());
  count_values([](const TableRoutes& r) { return r.wanted_counts(); }, cols, wanted_values_);
  count_values([](const TableRoutes& r) { return r.unique_counts(); }, cols, unique_values_);
  const std::size_t sent = total(unique_values_), received = total(wanted_values_);
  grow(send_, static_cast<int64_t>(sent));
  grow(receive_, static_cast<int64_t>(received));
  float* to = send_.data();
  std::vector<int64_t> next(tables(), 0);
  for (std::size_t r = 0; r < unique_values_.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t)
      for (int64_t k = 0; k < routes_[t].unique_counts()[r]; ++k)
        to = std::copy_n(gradients[t]->row(next[t]++), cols[t], to);
  comm.all_to_all_v(std::span<const float>(send_.data(), sent), std::span<const int64_t>(unique_values_),
                    std::span<float>(receive_.data(), received), std::span<const int64_t>(wanted_values_));
  for (std::size_t t = 0; t < tables(); ++t) {
    // Where each rank's rows of this table begin.
    std::vector<const float*> at;
    const float* begin = receive_.data();
    for (std::size_t r = 0; r < wanted_values_.size(); ++r) {
      at.push_back(begin);
      for (std::size_t u = 0; u < t; ++u) at.back() += routes_[u].wanted_counts()[r] * cols[u];
      begin += wanted_values_[r];
    }
    sums[t].reshape_aligned(std::ssize(routes_[t].owned()), cols[t]);
    granules_.fixed_order ? add_along_tree(t, sums[t], at) : add_in_rank_order(t, sums[t], at);
  }
}

void RowExchange::add_in_rank_order(std::size_t table, Matrix& sums, std::vector<const float*>& at) const {
  const TableRoutes& routes = routes_[table];
  sums.fill(0);
  auto wanted = routes.wanted().begin();
  for (std::size_t r = 0; r < at.size(); ++r)
    for (int64_t k = 0; k < routes.wanted_counts()[r]; ++k, at[r] += sums.cols())
      add_row(sums.cols(), at[r], sums.row(*wanted++));
}

void RowExchange::add_along_tree(std::size_t table, Matrix& sums, std::vector<const float*>& at) {
  // A rank that does not use a row counts as zeros, as a granule does (RowSums).
  const TableRoutes& routes = routes_[table];
  const std::size_t world = at.size();
  zeros_.assign(static_cast<std::size_t>(sums.cols()), 0.0F);
  nodes_.assign(static_cast<std::size_t>(sums.rows()) * world, zeros_.data());
  auto wanted = routes.wanted().begin();
  for (std::size_t r = 0; r < world; ++r) {
    const auto subtree = static_cast<std::size_t>(granules_.subtree(static_cast<int64_t>(r)));
    for (int64_t k = 0; k < routes.wanted_counts()[r]; ++k, at[r] += sums.cols())
      nodes_[static_cast<std::size_t>(*wanted++) * world + subtree] = at[r];
  }
  for (int64_t k = 0; k < sums.rows(); ++k)
    tree_.sum(std::span(nodes_).subspan(static_cast<std::size_t>(k) * world, world), sums.cols(),
              sums.row(k));
}

}  // namespace ncf
