// The exchange is indexing of tables that no rank holds whole, and its way back is the adjoint of that.
#include "ncf/embed/row_exchange.hpp"

#include <gtest/gtest.h>

#include <set>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t table_rows[] = {61, 7}, table_cols[] = {5, 3};

float table_value(std::size_t table, int64_t row, int64_t col) {
  return static_cast<float>(static_cast<int64_t>(table) * 10000 + row * 100 + col);
}

/// With one granule a rank, and with four in a fixed order (three ranks then hold a row's sums in several
/// blocks, and of eight ranks some hold none).
class RowExchangeTest : public testing::TestWithParam<bool> {
 protected:
  RowExchangeTest()
      : comm(Communicator::world()),
        shards{comm.rank(), comm.size()},
        granules(GetParam() ? Granules::fixed(4, comm.size()) : Granules::one_a_rank(comm.size())),
        exchange(shards, granules, {table_cols[0], table_cols[1]}) {
    for (std::size_t t = 0; t < 2; ++t) {
      shard[t].reshape(shards.local_rows(table_rows[t]), table_cols[t]);
      for (int64_t l = 0; l < shard[t].rows(); ++l)
        for (int64_t c = 0; c < table_cols[t]; ++c) shard[t].row(l)[c] = table_value(t, shards.global(l), c);
    }
  }

  /// Uneven on purpose: rank 0 has none in every second batch, others 3, 6, 9, …
  std::size_t count_of(int rank, uint64_t batch) const {
    if (granules.of_rank(rank) == 0) return 0;
    return rank == 0 ? (batch % 2) * 20 : static_cast<std::size_t>(rank) * 3;
  }
  /// Random ids of one rank's part of a batch; any rank can ask for any other's.
  std::vector<int32_t> ids_of(int rank, uint64_t batch, std::size_t table) const {
    std::vector<int32_t> ids(count_of(rank, batch));
    for (std::size_t k = 0; k < ids.size(); ++k)
      ids[k] =
          static_cast<int32_t>(random_below(static_cast<uint64_t>(table_rows[table]), 7, Purpose::synthetic,
                                            batch * 100 + static_cast<uint64_t>(rank), 2 * k + table));
    return ids;
  }
  void plan_and_gather(std::span<const int32_t> first, std::span<const int32_t> second) {
    const std::span<const int32_t> ids[] = {first, second};
    exchange.plan(comm, ids);
    const Matrix* const from[] = {&shard[0], &shard[1]};
    exchange.gather(comm, from, rows);
  }
  /// This rank's samples cut into its granules.
  std::vector<int64_t> bounds(std::size_t samples) const {
    const int64_t n = granules.of_rank(comm.rank());
    std::vector<int64_t> out = {0};
    for (int64_t g = 1; g <= n; ++g) out.push_back(static_cast<int64_t>(samples) * g / n);
    return out;
  }

  RowGradients a_term_a_sample(std::size_t table, const Matrix& gradients) const {
    RowGradients out;
    out.clear();
    const auto cut = bounds(static_cast<std::size_t>(gradients.rows()));
    for (std::size_t g = 0; g + 1 < cut.size(); ++g) {
      for (int64_t k = cut[g]; k < cut[g + 1]; ++k)
        out.add(exchange.routes(table).slots()[static_cast<std::size_t>(k)], gradients.row(k));
      out.end_granule();
    }
    return out;
  }

  Communicator comm;
  ShardMap shards;
  Granules granules;
  RowExchange exchange;
  Matrix shard[2], rows[2], sums[2];
};

TEST_P(RowExchangeTest, GatherIsIndexing) {
  for (uint64_t batch = 0; batch < 6; ++batch) {
    const std::vector<int32_t> ids[] = {ids_of(comm.rank(), batch, 0), ids_of(comm.rank(), batch, 1)};
    plan_and_gather(ids[0], ids[1]);
    for (std::size_t t = 0; t < 2; ++t) {
      const TableRoutes& routes = exchange.routes(t);
      ASSERT_EQ(routes.slots().size(), ids[t].size());
      EXPECT_EQ(routes.unique(), std::ssize(std::set<int32_t>(ids[t].begin(), ids[t].end())));
      for (std::size_t k = 0; k < ids[t].size(); ++k)
        for (int64_t c = 0; c < table_cols[t]; ++c)
          ASSERT_EQ(rows[t].row(routes.slots()[k])[c], table_value(t, ids[t][k], c));
    }
  }
}

TEST_P(RowExchangeTest, ReturnIsTheAdjointOfGather) {
  for (uint64_t batch = 0; batch < 4; ++batch) {
    const std::vector<int32_t> ids[] = {ids_of(comm.rank(), batch, 0), ids_of(comm.rank(), batch, 1)};
    plan_and_gather(ids[0], ids[1]);
    Matrix gradients[2];
    for (std::size_t t = 0; t < 2; ++t) {
      // Every sample sends the gradient (id + rank + column) to its row; integers, so that sums are exact in
      // any order.
      gradients[t].reshape(std::ssize(ids[t]), table_cols[t]);
      for (std::size_t k = 0; k < ids[t].size(); ++k)
        for (int64_t c = 0; c < table_cols[t]; ++c)
          gradients[t].row(static_cast<int64_t>(k))[c] = static_cast<float>(ids[t][k] + comm.rank() + c);
      exchange.sum_terms(t, a_term_a_sample(t, gradients[t]));
    }
    exchange.return_sum(comm, sums);
    for (std::size_t t = 0; t < 2; ++t) {
      const auto n = static_cast<std::size_t>(table_cols[t]);
      std::vector<std::vector<double>> expected(static_cast<std::size_t>(table_rows[t]),
                                                std::vector<double>(n, 0.0));
      std::set<int64_t> asked;
      for (int r = 0; r < comm.size(); ++r)
        for (int32_t id : ids_of(r, batch, t)) {
          if (shards.owner(id) == comm.rank()) asked.insert(shards.local(id));
          for (std::size_t c = 0; c < n; ++c)
            expected[static_cast<std::size_t>(id)][c] += static_cast<double>(id + r) + static_cast<double>(c);
        }
      const auto owned = exchange.routes(t).owned();
      ASSERT_EQ(std::vector<int64_t>(asked.begin(), asked.end()),
                std::vector<int64_t>(owned.begin(), owned.end()));
      for (std::size_t k = 0; k < owned.size(); ++k)
        for (std::size_t c = 0; c < n; ++c)
          EXPECT_EQ(static_cast<double>(sums[t].row(static_cast<int64_t>(k))[c]),
                    expected[static_cast<std::size_t>(shards.global(owned[k]))][c]);
    }
  }
}

TEST_P(RowExchangeTest, NotesOfAllRanksAreUnited) {
  const std::vector<int32_t> ids[] = {ids_of(comm.rank(), 1, 0), ids_of(comm.rank(), 1, 1)};
  const std::span<const int32_t> some[] = {ids[0], ids[1]}, none[] = {{}, {}};
  const uint64_t mine = uint64_t{1} << comm.rank(), all = (uint64_t{1} << comm.size()) - 1;
  EXPECT_EQ(exchange.plan(comm, some, mine), all);
  EXPECT_EQ(exchange.plan(comm, some), 0U) << "notes of the last plan";
  EXPECT_EQ(exchange.plan(comm, none, mine), all) << "no rank has samples";
  EXPECT_EQ(exchange.plan(comm, some, mine | 1), all) << "a note that several have";
  for (int teller = 0; teller < comm.size(); ++teller)
    for (const uint64_t note : {uint64_t{1}, uint64_t{1} << 32, uint64_t{1} << 63})
      EXPECT_EQ(exchange.plan(comm, some, comm.rank() == teller ? note : 0), note) << "of rank " << teller;
}

TEST_P(RowExchangeTest, NotesLeaveTheRoutesAlone) {
  const std::vector<int32_t> ids[] = {ids_of(comm.rank(), 3, 0), ids_of(comm.rank(), 3, 1)};
  const std::span<const int32_t> spans[] = {ids[0], ids[1]};
  exchange.plan(comm, spans, ~uint64_t{0});
  const Matrix* const from[] = {&shard[0], &shard[1]};
  exchange.gather(comm, from, rows);
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t k = 0; k < ids[t].size(); ++k)
      for (int64_t c = 0; c < table_cols[t]; ++c)
        ASSERT_EQ(rows[t].row(exchange.routes(t).slots()[k])[c], table_value(t, ids[t][k], c));
}

TEST_P(RowExchangeTest, NobodyAsksForAnything) {
  plan_and_gather({}, {});
  for (std::size_t t = 0; t < 2; ++t) exchange.sum_terms(t, a_term_a_sample(t, Matrix(0, table_cols[t])));
  exchange.return_sum(comm, sums);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(rows[t].rows(), 0);
    EXPECT_EQ(sums[t].rows(), 0);
    EXPECT_EQ(exchange.routes(t).owned().size(), 0U);
  }
}

TEST_P(RowExchangeTest, TrafficIsUniqueRowsOfOthersOnly) {
  std::vector<int32_t> ids[2];  // every row, each twice
  for (std::size_t t = 0; t < 2; ++t)
    for (int32_t i = 0; i < table_rows[t]; ++i) ids[t].insert(ids[t].end(), {i, i});
  const std::span<const int32_t> spans[] = {ids[0], ids[1]};
  exchange.plan(comm, spans);
  const uint64_t before = comm.bytes_sent();
  const Matrix* const from[] = {&shard[0], &shard[1]};
  exchange.gather(comm, from, rows);
  const auto others = static_cast<uint64_t>(comm.size() - 1);
  const auto values =
      static_cast<uint64_t>(shard[0].rows() * table_cols[0] + shard[1].rows() * table_cols[1]);
  EXPECT_EQ(comm.bytes_sent() - before, others * values * sizeof(float));
}

INSTANTIATE_TEST_SUITE_P(Orders, RowExchangeTest, testing::Bool(),
                         [](const auto& p) { return p.param ? "fixed" : "one_a_rank"; });

}  // namespace
}  // namespace ncf
