// The exchange is indexing of a table that no rank holds whole, and its way back is the adjoint of that.
#include "ncf/embed/row_exchange.hpp"

#include <gtest/gtest.h>

#include <set>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t total_rows = 61, cols = 5;

float table_value(int64_t row, int64_t col) {
  return static_cast<float>(row * 100 + col);
}

class RowExchangeTest : public testing::Test {
 protected:
  RowExchangeTest() : comm(Communicator::world()), shards{comm.rank(), comm.size()} {
    shard.reshape(shards.local_rows(total_rows), cols);
    for (int64_t l = 0; l < shard.rows(); ++l)
      for (int64_t c = 0; c < cols; ++c) shard.row(l)[c] = table_value(shards.global(l), c);
  }
  /// Random ids of one rank's part of a batch; any rank can ask for any other's.
  std::vector<int32_t> ids_of(int rank, std::size_t count, uint64_t batch) const {
    std::vector<int32_t> ids(count);
    for (std::size_t k = 0; k < count; ++k)
      ids[k] = static_cast<int32_t>(
          random_below(total_rows, 7, Purpose::synthetic, batch * 100 + static_cast<uint64_t>(rank), k));
    return ids;
  }
  /// Uneven on purpose: rank 0 has none in every second batch, others 3, 6, 9, …
  std::size_t count_of(int rank, uint64_t batch) const {
    return rank == 0 ? (batch % 2) * 20 : static_cast<std::size_t>(rank) * 3;
  }

  Communicator comm;
  ShardMap shards;
  Matrix shard;
};

TEST_F(RowExchangeTest, GatherIsIndexing) {
  RowExchange exchange(shards);
  Matrix rows;
  for (uint64_t batch = 0; batch < 6; ++batch) {
    const auto ids = ids_of(comm.rank(), count_of(comm.rank(), batch), batch);
    exchange.plan(comm, ids);
    exchange.gather(comm, shard, rows);
    ASSERT_EQ(exchange.slots().size(), ids.size());
    EXPECT_EQ(exchange.unique(), static_cast<int64_t>(std::set<int32_t>(ids.begin(), ids.end()).size()));
    for (std::size_t k = 0; k < ids.size(); ++k)
      for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(rows.row(exchange.slots()[k])[c], table_value(ids[k], c));
  }
}

TEST_F(RowExchangeTest, ReturnIsTheAdjointOfGather) {
  RowExchange exchange(shards);
  Matrix rows, sums;
  const uint64_t batch = 3;
  const auto ids = ids_of(comm.rank(), count_of(comm.rank(), batch), batch);
  exchange.plan(comm, ids);
  exchange.gather(comm, shard, rows);
  // Every sample sends the gradient (id + rank) to its row; small integers, so that sums are exact in any
  // order.
  Matrix gradients(exchange.unique(), cols);
  gradients.fill(0);
  for (std::size_t k = 0; k < ids.size(); ++k)
    for (int64_t c = 0; c < cols; ++c)
      gradients.row(exchange.slots()[k])[c] += static_cast<float>(ids[k] + comm.rank() + c);
  exchange.return_sum(comm, gradients, sums);

  std::vector<std::vector<double>> expected(total_rows, std::vector<double>(cols, 0.0));
  std::set<int64_t> asked;
  for (int r = 0; r < comm.size(); ++r)
    for (int32_t id : ids_of(r, count_of(r, batch), batch)) {
      if (shards.owner(id) == comm.rank()) asked.insert(shards.local(id));
      for (std::size_t c = 0; c < cols; ++c)
        expected[static_cast<std::size_t>(id)][c] += static_cast<double>(id + r) + static_cast<double>(c);
    }
  ASSERT_EQ(std::vector<int64_t>(asked.begin(), asked.end()),
            std::vector<int64_t>(exchange.owned().begin(), exchange.owned().end()));
  for (std::size_t k = 0; k < exchange.owned().size(); ++k)
    for (std::size_t c = 0; c < cols; ++c)
      EXPECT_EQ(static_cast<double>(sums.row(static_cast<int64_t>(k))[c]),
                expected[static_cast<std::size_t>(shards.global(exchange.owned()[k]))][c]);
}

TEST_F(RowExchangeTest, NobodyAsksForAnything) {
  RowExchange exchange(shards);
  Matrix rows, sums, gradients(0, cols);
  exchange.plan(comm, {});
  exchange.gather(comm, shard, rows);
  exchange.return_sum(comm, gradients, sums);
  EXPECT_EQ(rows.rows(), 0);
  EXPECT_EQ(exchange.owned().size(), 0U);
}

TEST_F(RowExchangeTest, TrafficIsUniqueRowsOfOthersOnly) {
  RowExchange exchange(shards);
  Matrix rows;
  std::vector<int32_t> ids;  // every row, each twice
  for (int32_t i = 0; i < total_rows; ++i) ids.insert(ids.end(), {i, i});
  exchange.plan(comm, ids);
  const uint64_t before = comm.bytes_sent();
  exchange.gather(comm, shard, rows);
  const auto others = static_cast<uint64_t>(comm.size() - 1);
  EXPECT_EQ(comm.bytes_sent() - before, others * static_cast<uint64_t>(shard.rows() * cols) * sizeof(float));
}

}  // namespace
}  // namespace ncf
