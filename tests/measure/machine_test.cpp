#include "ncf/measure/machine.hpp"

#include <gtest/gtest.h>

#include "ncf/measure/bench.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

TEST(Machine, RatesAreThoseOfAComputer) {
  Communicator comm = Communicator::world();
  const MachineRates rates = measure_machine(comm);
  // From a small Arm board under a sanitizer to beyond any core.
  for (const double rate : {rates.fma_gflops, rates.gemm_gflops, rates.stream_gb_s, rates.cache_gb_s}) {
    EXPECT_GT(rate, 0.01);
    EXPECT_LT(rate, 10'000);
  }
  if (comm.size() == 1) return;
  const Network network = measure_network(comm);
  EXPECT_GT(network.latency_s, 1e-8);
  EXPECT_LT(network.latency_s, 1);
  EXPECT_GT(network.bytes_per_s, 1e5);
  EXPECT_LT(network.bytes_per_s, 1e13);
}

TEST(Bench, AStepIsTheSumOfItsPhases) {
  Communicator comm = Communicator::world();
  Config config;
  config.train.batch_size = 512;
  config.run.threads = 1;
  const BenchResult result = bench(config, comm, {0.2});
  EXPECT_GE(result.times.steps, 5);
  EXPECT_EQ(result.work.world, comm.size());
  EXPECT_GT(result.evaluated, 0);
  double minima = 0;
  for (const PhaseTime& phase : result.times.phases) {
    EXPECT_LE(phase.minimum_s, phase.median_s);
    EXPECT_LE(phase.median_s, phase.slowest_s + 1e-12);
    minima += phase.minimum_s;
  }
  EXPECT_GT(result.times.of(Phase::compute).minimum_s, 0);
  EXPECT_LE(minima, result.times.step.median_s);
}

TEST(Bench, NeedsAWholeBatch) {
  Communicator comm = Communicator::world();
  Config config;
  config.train.batch_size = 1'000'000;
  EXPECT_THROW(bench(config, comm, {0.1}), Error);
}

}  // namespace
}  // namespace ncf
