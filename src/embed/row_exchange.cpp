#include "ncf/embed/row_exchange.hpp"

#include <algorithm>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

/// The sum of these terms, one after the other.
void sum_rows(const RowGradients& gradients, std::span<const int32_t> terms, int64_t cols, float* out) {
  const auto row = [&](int32_t term) { return gradients.rows[static_cast<std::size_t>(term)]; };
  std::copy_n(row(terms[0]), cols, out);
  for (const int32_t term : terms.subspan(1)) add_row(cols, row(term), out);
}

}  // namespace

RowExchange::RowExchange(ShardMap shards, Granules granules, std::vector<int64_t> cols)
    : shards_(shards),
      granules_(granules),
      cols_(std::move(cols)),
      routes_(cols_.size()),
      gradients_(cols_.size()),
      none_(static_cast<std::size_t>(shards.world), 0) {
  for (int64_t r = 0; r < shards.world; ++r) {
    blocks_of_.push_back(granules.fixed_order ? granules.blocks(r) : std::vector<Block>{{r, 1}});
    rounds_ = std::max(rounds_, blocks_of_.back().size());
  }
  blocks_ = blocks_of_[static_cast<std::size_t>(shards.rank)];
}

uint64_t RowExchange::plan(Communicator& comm, std::span<const std::span<const int32_t>> ids,
                           uint64_t notes) {
  for (std::size_t t = 0; t < tables(); ++t) routes_[t].find_unique(ids[t], shards_);
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
      const auto rows = routes_[t].local().subspan(at[t], count);
      wishes.insert(wishes.end(), rows.begin(), rows.end());
      at[t] += count;
    }
  comm.all_to_all(std::span<const int64_t>(ask), std::span<int64_t>(asked));
  int64_t total = 0;
  for (std::size_t r = 0; r < world; ++r) {
    for (std::size_t t = 0; t < tables(); ++t) asked_total[r] += asked[r * words + t];
    total += asked_total[r];
    notes |= static_cast<uint64_t>(asked[r * words + tables()]);
  }
  std::vector<int32_t> heard(static_cast<std::size_t>(total));
  comm.all_to_all_v(std::span<const int32_t>(wishes), std::span<const int64_t>(ask_total),
                    std::span<int32_t>(heard), std::span<const int64_t>(asked_total));
  std::vector<int32_t> rows;
  std::vector<int64_t> counts(world);
  for (std::size_t t = 0; t < tables(); ++t) {
    rows.clear();
    std::size_t from = 0;
    for (std::size_t r = 0; r < world; ++r)
      for (std::size_t u = 0; u < tables(); ++u) {
        const auto count = static_cast<std::size_t>(asked[r * words + u]);
        const auto begin = heard.begin() + static_cast<std::ptrdiff_t>(from);
        if (u == t) rows.insert(rows.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
        if (u == t) counts[r] = asked[r * words + u];
        from += count;
      }
    routes_[t].set_wanted(rows, counts);
  }
  return notes;
}

void RowExchange::count_values(bool unique_side, std::vector<int64_t>& out) const {
  out.assign(static_cast<std::size_t>(shards_.world), 0);
  for (std::size_t t = 0; t < tables(); ++t) {
    const auto counts = unique_side ? routes_[t].unique_counts() : routes_[t].wanted_counts();
    for (std::size_t r = 0; r < out.size(); ++r) out[r] += counts[r] * cols_[t];
  }
}

void RowExchange::gather(Communicator& comm, std::span<const Matrix* const> shards, std::span<Matrix> rows) {
  for (std::size_t t = 0; t < tables(); ++t) rows[t].reshape(routes_[t].unique(), cols_[t]);
  if (comm.size() == 1) {
    for (std::size_t t = 0; t < tables(); ++t)
      for (int64_t k = 0; k < rows[t].rows(); ++k)
        std::copy_n(shards[t]->row(routes_[t].wanted()[static_cast<std::size_t>(k)]), cols_[t],
                    rows[t].row(k));
    return;
  }
  count_values(false, wanted_values_);
  count_values(true, unique_values_);
  send_.clear();
  std::vector<std::size_t> at(tables(), 0);
  for (std::size_t r = 0; r < wanted_values_.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t)
      for (int64_t k = 0; k < routes_[t].wanted_counts()[r]; ++k) {
        const float* row = shards[t]->row(routes_[t].wanted()[at[t]++]);
        send_.insert(send_.end(), row, row + cols_[t]);
      }
  int64_t total = 0;
  for (int64_t v : unique_values_) total += v;
  receive_.resize(static_cast<std::size_t>(total));
  comm.all_to_all_v(std::span<const float>(send_), std::span<const int64_t>(wanted_values_),
                    std::span<float>(receive_), std::span<const int64_t>(unique_values_));
  const float* from = receive_.data();
  std::vector<float*> to;
  for (Matrix& m : rows) to.push_back(m.data());
  for (std::size_t r = 0; r < unique_values_.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t) {
      const int64_t n = routes_[t].unique_counts()[r] * cols_[t];
      to[t] = std::copy_n(from, n, to[t]);
      from += n;
    }
}

void RowExchange::group_by_slot(std::size_t table, const RowGradients& gradients) {
  // Counting sort: terms of a slot stay in their order.
  term_offsets_.assign(static_cast<std::size_t>(routes_[table].unique()) + 1, 0);
  for (const int32_t slot : gradients.slots) ++term_offsets_[static_cast<std::size_t>(slot) + 1];
  for (std::size_t u = 1; u < term_offsets_.size(); ++u) term_offsets_[u] += term_offsets_[u - 1];
  by_slot_.resize(gradients.slots.size());
  next_.assign(term_offsets_.begin(), term_offsets_.end() - 1);
  for (std::size_t k = 0; k < gradients.slots.size(); ++k)
    by_slot_[static_cast<std::size_t>(next_[static_cast<std::size_t>(gradients.slots[k])]++)] =
        static_cast<int32_t>(k);
}

void RowExchange::sum_terms(std::size_t table, const RowGradients& gradients) {
  const int64_t unique = routes_[table].unique(), cols = cols_[table];
  const std::vector<int64_t>& bounds = gradients.bounds;
  Matrix& sums = gradients_[table];
  sums.reshape(static_cast<int64_t>(blocks_.size()) * unique, cols);
  if (blocks_.size() > 1) sums.fill(0);  // a row may have no term in some block
  granule_sums_.reshape(static_cast<int64_t>(bounds.size()), cols);
  group_by_slot(table, gradients);
  const int64_t first_granule = blocks_.empty() ? 0 : blocks_[0].first;
  for (int64_t u = 0; u < unique; ++u) {
    const auto begin = static_cast<std::size_t>(term_offsets_[static_cast<std::size_t>(u)]);
    const auto end = static_cast<std::size_t>(term_offsets_[static_cast<std::size_t>(u) + 1]);
    auto terms = std::span<const int32_t>(by_slot_).subspan(begin, end - begin);
    if (bounds.size() == 2) {  // one granule
      sum_rows(gradients, terms, cols, sums.row(u));
      continue;
    }
    std::size_t granule = 0;
    for (std::size_t b = 0; b < blocks_.size() && !terms.empty(); ++b) {
      const auto block_end = static_cast<std::size_t>(blocks_[b].first + blocks_[b].count - first_granule);
      terms_.clear();
      while (!terms.empty() && terms[0] < bounds[block_end]) {
        while (terms[0] >= bounds[granule + 1]) ++granule;
        std::size_t n = 1;
        while (n < terms.size() && terms[n] < bounds[granule + 1]) ++n;
        const float* sum = gradients.rows[static_cast<std::size_t>(terms[0])];
        if (n > 1) {
          sum_rows(gradients, terms.first(n), cols, granule_sums_.row(static_cast<int64_t>(granule)));
          sum = granule_sums_.row(static_cast<int64_t>(granule));
        }
        terms_.push_back({{first_granule + static_cast<int64_t>(granule), 1}, sum});
        terms = terms.subspan(n);
      }
      float* out = sums.row(static_cast<int64_t>(b) * unique + u);
      const float* at = tree_.sum(terms_, blocks_[b], cols, out);
      if (at != nullptr && at != out) std::copy_n(at, cols, out);
    }
  }
}

void RowExchange::pack_gradients(std::size_t block) {
  send_.clear();
  std::vector<const float*> from;
  for (std::size_t t = 0; t < tables(); ++t)
    from.push_back(gradients_[t].data() + static_cast<int64_t>(block) * routes_[t].unique() * cols_[t]);
  for (std::size_t r = 0; r < unique_values_.size(); ++r)
    for (std::size_t t = 0; t < tables(); ++t) {
      const int64_t n = routes_[t].unique_counts()[r] * cols_[t];
      send_.insert(send_.end(), from[t], from[t] + n);
      from[t] += n;
    }
}

void RowExchange::return_sum(Communicator& comm, std::span<Matrix> sums) {
  if (comm.size() ==
      1) {  // one rank has one block, and its unique rows are the owned rows, in the same order
    for (std::size_t t = 0; t < tables(); ++t) std::swap(sums[t], gradients_[t]);
    return;
  }
  rounds_received_.resize(rounds_);
  round_offsets_.resize(rounds_);
  std::vector<int64_t> incoming(unique_values_.size());
  for (std::size_t round = 0; round < rounds_; ++round) {
    const bool sends = round < blocks_.size();
    if (sends) pack_gradients(round);
    int64_t total = 0;
    round_offsets_[round].clear();
    for (std::size_t r = 0; r < incoming.size(); ++r) {
      incoming[r] = round < blocks_of_[r].size() ? wanted_values_[r] : 0;
      int64_t at = total;
      for (std::size_t t = 0; t < tables(); ++t) {
        round_offsets_[round].push_back(at);
        at += routes_[t].wanted_counts()[r] * cols_[t];
      }
      total += incoming[r];
    }
    rounds_received_[round].resize(static_cast<std::size_t>(total));
    comm.all_to_all_v(sends ? std::span<const float>(send_) : std::span<const float>(),
                      std::span<const int64_t>(sends ? unique_values_ : none_),
                      std::span<float>(rounds_received_[round]), std::span<const int64_t>(incoming));
  }
  for (std::size_t t = 0; t < tables(); ++t) add_up(t, sums[t]);
}

void RowExchange::add_up(std::size_t table, Matrix& sums) {
  const TableRoutes& routes = routes_[table];
  const int64_t cols = cols_[table];
  const Block root{0, granules_.leaves()};
  sums.reshape(static_cast<int64_t>(routes.owned().size()), cols);
  for (std::size_t k = 0; k < routes.owned().size(); ++k) {
    terms_.clear();
    for (int64_t q = routes.request_offsets()[k]; q < routes.request_offsets()[k + 1]; ++q) {
      const auto [rank, place] = routes.requests()[static_cast<std::size_t>(q)];
      const auto r = static_cast<std::size_t>(rank);
      for (std::size_t b = 0; b < blocks_of_[r].size(); ++b)
        terms_.push_back({blocks_of_[r][b], rounds_received_[b].data() +
                                                round_offsets_[b][r * tables() + table] + place * cols});
    }
    float* out = sums.row(static_cast<int64_t>(k));
    const float* at = tree_.sum(terms_, root, cols, out);
    if (at != nullptr && at != out) std::copy_n(at, cols, out);
  }
}

}  // namespace ncf
