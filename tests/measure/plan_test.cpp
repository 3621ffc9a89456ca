#include "ncf/measure/plan.hpp"

#include <gtest/gtest.h>

#include "ncf/measure/bench.hpp"

namespace ncf {
namespace {

Config config_of(int64_t batch) {
  Config config;
  config.data.synthetic.users = 600, config.data.synthetic.items = 900,
  config.data.synthetic.ratings = 20'000;
  config.train.batch_size = batch;
  config.run.threads = 1;
  return config;
}

StepWork work_at(int64_t world) {
  StepWork w;
  w.world = world, w.batch = 1000;
  w.tables = {{.rows = 100, .cols = 10, .travels = 10, .unique_here = 50, .unique_all = 80, .brought = 40},
              {.rows = 100, .cols = 10, .travels = 10, .unique_here = 50, .unique_all = 80, .brought = 35}};
  if (world == 1) w.tables[0].brought = w.tables[1].brought = 0;
  w.units = {20, 10, 1};
  return w;
}

Network network(double latency_s, double bytes_per_s, double copy_bytes_per_s) {
  return {.latency_s = latency_s,
          .bytes_per_s = bytes_per_s,
          .copy_bytes_per_s = copy_bytes_per_s,
          .cache_copy_bytes_per_s = 2 * copy_bytes_per_s};
}

constexpr PartTimes alone{.plan = 1, .gather = 2, .compute = 40, .synchronise = 3, .update = 5};
constexpr double no_limit = 1e30;

TEST(PlannedTime, OfOneRankIsWhatWasMeasured) {
  const PlannedTime time = planned_time(work_at(1), alone, {}, 1);
  EXPECT_DOUBLE_EQ(time.compute, 40);
  EXPECT_DOUBLE_EQ(time.step(), 1 + 2 + 40 + 3 + 5);
}

TEST(PlannedTime, TheNetworkAddsItsLatencyAndItsBytes) {
  const StepWork w = work_at(4);
  const StepTraffic sent = step_traffic(w);
  const PlannedTime base = planned_time(w, alone, network(0, no_limit, no_limit), 4);
  const double share = (80.0 / 4) / 50;  // of the rows of its part, those that a rank owns of all
  EXPECT_DOUBLE_EQ(base.update, 5 * share);
  EXPECT_DOUBLE_EQ(base.gather, 2 * share);
  EXPECT_DOUBLE_EQ(base.compute, 40);
  const double slow = planned_time(w, alone, network(0, 100, no_limit), 4).step() - base.step();
  EXPECT_NEAR(slow, sent.total() / 100, 1e-6 * slow);
  // Four exchanges with three others, and an all-reduce there and back in two rounds each.
  const double far = planned_time(w, alone, network(7, no_limit, no_limit), 4).step() - base.step();
  EXPECT_NEAR(far, 7 * (4 * 3 + 2 * 2), 1e-6 * far);
  const double copied = planned_time(w, alone, network(0, no_limit, 100), 4).step() - base.step();
  EXPECT_NEAR(copied, 2.5 * packing_bytes(w) / 200, 1e-6 * copied) << "small: within the caches";
}

TEST(PlannedTime, RanksThatShareCoresTakeTurns) {
  Network near = network(0, no_limit, no_limit);
  EXPECT_DOUBLE_EQ(planned_time(work_at(8), alone, near, 2).compute, 160);
  EXPECT_DOUBLE_EQ(planned_time(work_at(8), alone, near, 16).compute, 40);
  // At each of five collectives, three others have been in the caches.
  const double base = planned_time(work_at(8), alone, near, 2).step();
  near.copy_bytes_per_s = 100;
  near.cache_copy_bytes_per_s = no_limit;
  near.cache_bytes = 50;
  EXPECT_NEAR(planned_time(work_at(8), alone, near, 2).step() - base, 5 * 3 * 50 / 100.0, 1e-6);
  EXPECT_DOUBLE_EQ(planned_time(work_at(2), alone, near, 2).step(),
                   planned_time(work_at(2), alone, network(0, no_limit, no_limit), 2).step());
}

PlanRequest of_ranks(std::vector<int64_t> ranks) {
  PlanRequest request;
  request.ranks = std::move(ranks);
  request.seconds = 0.02;
  return request;
}

/// Data that is drawn and data that is only foreseen give the same plan, at numbers of ranks that are not
/// there.
TEST(Plan, ForeseesWhatABenchSends) {
  Communicator comm = Communicator::world();
  const Config config = config_of(1000);
  const Plan made = plan(config, of_ranks({1, comm.size(), 5}), comm);
  ASSERT_EQ(made.ranks.size(), 3U);
  EXPECT_EQ(made.train, 16'000);
  EXPECT_EQ(made.network_measured, comm.size() > 1);
  const BenchResult real = bench(config, comm, {.seconds = 0, .least = 50});
  EXPECT_NEAR(made.ranks[1].traffic.total(), real.times.sent_bytes, 0.05 * real.times.sent_bytes);
  for (const PlannedRanks& r : made.ranks) {
    EXPECT_GT(r.time.compute, 0);
    EXPECT_GT(r.samples_per_s(), 0);
    EXPECT_GT(r.memory.total(), r.memory.tables + r.memory.ratings);
  }
  EXPECT_EQ(made.ranks[2].work.world, 5);
}

TEST(Plan, TakesTheNetworkAsTold) {
  Communicator comm = Communicator::world();
  PlanRequest request = of_ranks({2});
  request.latency_s = 0.5;
  request.bytes_per_s = 1e9;
  const Plan made = plan(config_of(64), request, comm);
  EXPECT_EQ(made.network.latency_s, 0.5);
  EXPECT_EQ(made.network.bytes_per_s, 1e9);
  EXPECT_FALSE(made.network_measured);
  EXPECT_GT(made.ranks[0].time.step(), 6 * 0.5);
}

}  // namespace
}  // namespace ncf
