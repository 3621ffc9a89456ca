// The exchange is indexing of tables that no rank holds whole, and its way back is the adjoint of that.
#include "ncf/embed/row_exchange.hpp"

#include <gtest/gtest.h>

#include <set>

#include "ncf/embed/row_sums.hpp"
#include "ncf/util/bfloat16.hpp"
#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t table_rows[] = {61, 7}, table_cols[] = {5, 3};

float table_value(std::size_t table, int64_t row, int64_t col) {
  return static_cast<float>(static_cast<int64_t>(table) * 10000 + row * 100 + col);
}

/// With eight granules in a fixed order, or two a rank; by message or in shared memory.
class RowExchangeTest : public testing::TestWithParam<std::tuple<bool, bool>> {
 protected:
  static bool fixed() { return std::get<0>(GetParam()); }
  RowExchangeTest()
      : comm(Communicator::world()),
        shards{comm.rank(), comm.size()},
        granules(fixed() ? Granules::fixed(8, comm.size()) : Granules::of_each_rank(comm.size(), 2)),
        exchange(shards, granules, table_rows, pool) {
    for (std::size_t t = 0; t < 2; ++t) {
      shard[t].reshape(shards.local_rows(table_rows[t]), table_cols[t]);
      for (int64_t l = 0; l < shard[t].rows(); ++l)
        for (int64_t c = 0; c < table_cols[t]; ++c) shard[t].row(l)[c] = table_value(t, shards.global(l), c);
    }
  }
  void SetUp() override {
    if (std::get<1>(GetParam())) exchange.share_memory(comm);
    if (fixed() && 8 % comm.size() != 0) GTEST_SKIP() << comm.size() << " ranks do not share 8 granules";
  }

  /// Uneven on purpose: rank 0 has none in every second batch, others 3, 6, 9, …
  static std::size_t count_of(int rank, uint64_t batch) {
    return rank == 0 ? (batch % 2) * 20 : static_cast<std::size_t>(rank) * 3;
  }
  /// Random ids of one rank's part of a batch; any rank can ask for any other's.
  static std::vector<int32_t> ids_of(int rank, uint64_t batch, std::size_t table) {
    std::vector<int32_t> ids(count_of(rank, batch));
    for (std::size_t k = 0; k < ids.size(); ++k)
      ids[k] =
          static_cast<int32_t>(random_below(static_cast<uint64_t>(table_rows[table]), 7, Purpose::synthetic,
                                            batch * 100 + static_cast<uint64_t>(rank), 2 * k + table));
    return ids;
  }
  /// The samples in `count` parts, as a rank computes them; with more parts than samples some are empty.
  SampleParts cut(std::size_t samples, int64_t count) {
    part_of_sample.resize(samples);
    for (std::size_t k = 0; k < samples; ++k)
      part_of_sample[k] = static_cast<uint8_t>(static_cast<int64_t>(k) * count / std::ssize(part_of_sample));
    return {count, part_of_sample};
  }
  void plan_and_gather(std::span<const int32_t> first, std::span<const int32_t> second) {
    const std::span<const int32_t> ids[] = {first, second};
    exchange.plan(comm, ids);
    gather();
  }
  void gather() {
    write_outgoing();
    for (int64_t part = 0; part < exchange.parts(); ++part) exchange.gather_part(comm, part);
  }
  void write_outgoing() {
    for (std::size_t t = 0; t < 2; ++t) {
      const auto owned = exchange.routes(t).owned();
      const MatrixView outgoing = exchange.outgoing(t, table_cols[t]);
      ASSERT_EQ(outgoing.rows, std::ssize(owned));
      ASSERT_EQ(outgoing.cols, table_cols[t]);
      for (std::size_t k = 0; k < owned.size(); ++k)
        std::copy_n(shard[t].row(owned[k]), table_cols[t], outgoing.row(static_cast<int64_t>(k)));
    }
  }
  float gathered(std::size_t table, int64_t row, int64_t col) { return exchange.gathered(table)(row, col); }
  /// Every sample's gradient added to its row.
  void return_sum(Matrix (&gradients)[2]) {
    RowSums here[2];
    for (std::size_t t = 0; t < 2; ++t) {
      const auto slots = exchange.routes(t).slots();
      std::vector<int64_t> bounds = {0};
      for (int64_t g = 1; g <= granules.a_rank(); ++g)
        bounds.push_back(std::ssize(slots) * g / granules.a_rank());
      here[t].begin(slots, bounds, exchange.gradients(t));
      for (int64_t k = 0; k < gradients[t].rows(); ++k)
        for (int64_t c = 0; c < table_cols[t]; ++c) {
          const auto sample = static_cast<std::size_t>(k);
          float& to = here[t].values()(here[t].terms()[sample], c);
          to = (here[t].first()[sample] != 0 ? 0 : to) + gradients[t].row(k)[c];
        }
      here[t].finish(pool);
    }
    if (apart)
      for (std::size_t t = 0; t < 2; ++t) exchange.send_back(comm, t, t + 1);
    else
      exchange.send_back(comm, 0, 2);
    for (std::size_t t = 0; t < 2; ++t) sums[t] = exchange.add_up(t);
  }

  Communicator comm;
  ShardMap shards;
  Granules granules;
  WorkerPool pool{1};
  RowExchange exchange;
  Matrix shard[2];
  MatrixView sums[2];
  std::vector<uint8_t> part_of_sample;
  bool apart = false;  // the tables' sums return one after the other
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
          ASSERT_EQ(gathered(t, routes.slots()[k], c), table_value(t, ids[t][k], c));
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
    }
    return_sum(gradients);
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
      ASSERT_EQ(asked, std::set<int64_t>(owned.begin(), owned.end()));
      ASSERT_EQ(asked.size(), owned.size());
      for (std::size_t k = 0; k < owned.size(); ++k)
        for (std::size_t c = 0; c < n; ++c)
          EXPECT_EQ(static_cast<double>(sums[t].row(static_cast<int64_t>(k))[c]),
                    expected[static_cast<std::size_t>(shards.global(owned[k]))][c]);
    }
  }
}

TEST_P(RowExchangeTest, InPartsTheRowsOfAPartAreThereAfterIt) {
  for (const int64_t parts : {2, 3, 8, 40})
    for (uint64_t batch = 0; batch < 4; ++batch) {
      const std::vector<int32_t> ids[] = {ids_of(comm.rank(), batch, 0), ids_of(comm.rank(), batch, 1)};
      const std::span<const int32_t> spans[] = {ids[0], ids[1]};
      exchange.plan(comm, spans, 0, cut(ids[0].size(), parts));
      ASSERT_EQ(exchange.parts(), comm.size() == 1 ? 1 : parts);
      write_outgoing();
      const uint64_t before = comm.bytes_sent();
      for (int64_t part = 0; part < exchange.parts(); ++part) {
        exchange.gather_part(comm, part);
        for (std::size_t t = 0; t < 2; ++t)
          for (std::size_t k = 0; k < ids[t].size(); ++k) {
            if (comm.size() > 1 && part_of_sample[k] > part) continue;
            for (int64_t c = 0; c < table_cols[t]; ++c)
              ASSERT_EQ(gathered(t, exchange.routes(t).slots()[k], c), table_value(t, ids[t][k], c));
          }
      }
      // No row twice: as many bytes as in one part.
      const uint64_t in_parts = comm.bytes_sent() - before;
      exchange.plan(comm, spans);
      write_outgoing();
      const uint64_t between = comm.bytes_sent();
      exchange.gather_part(comm, 0);
      EXPECT_EQ(comm.bytes_sent() - between, in_parts);
    }
}

TEST_P(RowExchangeTest, PartsAndTablesApartReturnTheSameSums) {
  for (uint64_t batch = 0; batch < 4; ++batch) {
    const std::vector<int32_t> ids[] = {ids_of(comm.rank(), batch, 0), ids_of(comm.rank(), batch, 1)};
    const std::span<const int32_t> spans[] = {ids[0], ids[1]};
    // Sums of these depend on the order in which they are taken.
    const auto gradients_of = [&](Matrix(&gradients)[2]) {
      for (std::size_t t = 0; t < 2; ++t) {
        gradients[t].reshape(std::ssize(ids[t]), table_cols[t]);
        for (std::size_t k = 0; k < ids[t].size(); ++k)
          for (int64_t c = 0; c < table_cols[t]; ++c)
            gradients[t].row(static_cast<int64_t>(k))[c] =
                1 / static_cast<float>(1 + ids[t][k] + 7 * comm.rank() + 3 * c + static_cast<int64_t>(k));
      }
    };
    Matrix gradients[2], expected[2];
    exchange.plan(comm, spans);
    gather();
    gradients_of(gradients);
    return_sum(gradients);
    std::vector<int64_t> owned[2];
    for (std::size_t t = 0; t < 2; ++t) {
      expected[t].reshape(sums[t].rows, sums[t].cols);
      for (int64_t k = 0; k < sums[t].rows; ++k)
        std::copy_n(sums[t].row(k), sums[t].cols, expected[t].row(k));
      const auto list = exchange.routes(t).owned();
      owned[t].assign(list.begin(), list.end());
    }
    exchange.plan(comm, spans, 0, cut(ids[0].size(), 5));
    gather();
    gradients_of(gradients);
    apart = true;
    return_sum(gradients);
    apart = false;
    for (std::size_t t = 0; t < 2; ++t) {
      const auto list = exchange.routes(t).owned();
      ASSERT_EQ(owned[t], std::vector<int64_t>(list.begin(), list.end()));
      for (int64_t k = 0; k < expected[t].rows(); ++k)
        for (int64_t c = 0; c < table_cols[t]; ++c) ASSERT_EQ(expected[t].row(k)[c], sums[t].row(k)[c]);
    }
  }
}

float rounded(float value) {
  uint16_t half = 0;
  to_bfloat16(&value, 1, &half);
  from_bfloat16(&half, 1, &value);
  return value;
}

TEST_P(RowExchangeTest, InBf16WhatIsSentIsRoundedAndHalfAsLong) {
  const bool reads_in_place = std::get<1>(GetParam());
  std::vector<int32_t> ids[2];  // every row
  for (std::size_t t = 0; t < 2; ++t)
    for (int32_t i = 0; i < table_rows[t]; ++i) ids[t].push_back(i);
  const std::span<const int32_t> spans[] = {ids[0], ids[1]};
  const auto bytes = [&](const auto& job) {
    const uint64_t before = comm.bytes_sent();
    job();
    return comm.bytes_sent() - before;
  };
  exchange.plan(comm, spans);
  write_outgoing();
  const uint64_t whole = bytes([&] { exchange.gather_part(comm, 0); });
  exchange.plan(comm, spans);
  write_outgoing();
  const uint64_t half = bytes([&] { exchange.gather_part(comm, 0, Wire::bf16); });
  EXPECT_EQ(half, reads_in_place ? whole : whole / 2);
  for (std::size_t t = 0; t < 2; ++t)
    for (const int32_t id : ids[t])
      for (int64_t c = 0; c < table_cols[t]; ++c) {
        const float value = table_value(t, id, c);
        const bool as_it_is = reads_in_place || shards.owner(id) == comm.rank();
        ASSERT_EQ(gathered(t, exchange.routes(t).slots()[static_cast<std::size_t>(id)], c),
                  as_it_is ? value : rounded(value));
      }
  // Back: each rank's gradient of a row is its own.
  const auto gradient = [](int32_t id, int64_t col, int rank) {
    return 1 / static_cast<float>(1 + id + 3 * col + 7 * rank);
  };
  for (std::size_t t = 0; t < 2; ++t) {
    const MatrixView room = exchange.gradients(t);
    for (const int32_t id : ids[t])
      for (int64_t c = 0; c < table_cols[t]; ++c)
        room(exchange.routes(t).slots()[static_cast<std::size_t>(id)], c) = gradient(id, c, comm.rank());
  }
  const uint64_t back = bytes([&] { exchange.send_back(comm, 0, 2, Wire::bf16); });
  EXPECT_EQ(comm.sum(static_cast<int64_t>(back)), comm.sum(static_cast<int64_t>(half)));
  for (std::size_t t = 0; t < 2; ++t) {
    const MatrixView total = exchange.add_up(t);
    const auto owned = exchange.routes(t).owned();
    for (std::size_t k = 0; k < owned.size(); ++k)
      for (int64_t c = 0; c < table_cols[t]; ++c) {
        double sum = 0;
        for (int r = 0; r < comm.size(); ++r) {
          const float value = gradient(static_cast<int32_t>(shards.global(owned[k])), c, r);
          sum += static_cast<double>(reads_in_place || r == comm.rank() ? value : rounded(value));
        }
        ASSERT_NEAR(total(static_cast<int64_t>(k), c), sum, 1e-6);
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
  gather();
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t k = 0; k < ids[t].size(); ++k)
      for (int64_t c = 0; c < table_cols[t]; ++c)
        ASSERT_EQ(gathered(t, exchange.routes(t).slots()[k], c), table_value(t, ids[t][k], c));
}

TEST_P(RowExchangeTest, NobodyAsksForAnything) {
  plan_and_gather({}, {});
  Matrix none[] = {Matrix(0, table_cols[0]), Matrix(0, table_cols[1])};
  return_sum(none);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(exchange.gathered(t).rows, 0);
    EXPECT_EQ(sums[t].rows, 0);
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
  gather();
  const auto others = static_cast<uint64_t>(comm.size() - 1);
  const auto values =
      static_cast<uint64_t>(shard[0].rows() * table_cols[0] + shard[1].rows() * table_cols[1]);
  EXPECT_EQ(comm.bytes_sent() - before, others * values * sizeof(float));
}

INSTANTIATE_TEST_SUITE_P(Orders, RowExchangeTest, testing::Combine(testing::Bool(), testing::Bool()),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param) ? "fixed" : "of_each_rank") +
                                  (std::get<1>(p.param) ? "_shared" : "_sent");
                         });

}  // namespace
}  // namespace ncf
