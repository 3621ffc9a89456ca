#include "ncf/measure/step_cost.hpp"

#include <gtest/gtest.h>

#include "ncf/measure/bench.hpp"
#include "ncf/nn/gated_backward.hpp"

namespace ncf {
namespace {

Config shaped(ModelKind kind, int64_t batch) {
  Config config;
  config.data.synthetic.users = 600, config.data.synthetic.items = 900,
  config.data.synthetic.ratings = 20'000;
  config.model.kind = kind;
  config.model.embedding_dim = config.model.has_layers() ? EmbeddingDim{20, 31} : EmbeddingDim{20, 20};
  config.model.hidden = {37, 11};
  config.train.batch_size = batch;
  config.run.threads = 1;
  return config;
}

/// So many steps, however fast the machine is: what they send is the same then, and their median tells of all
/// steps.
BenchResult bench_of_steps(const Config& config, Communicator& comm) {
  return bench(config, comm, {.seconds = 0, .least = config.train.batch_size < 1000 ? 100 : 10});
}

/// What the formulas say a rank sends in a step is what it sends.
TEST(StepCost, ForeseesTheBytesThatAreSent) {
  Communicator comm = Communicator::world();
  for (const ModelKind kind : {ModelKind::neural, ModelKind::dot, ModelKind::gmf, ModelKind::neumf})
    for (const int64_t batch : {64, 8000}) {
      const BenchResult result = bench_of_steps(shaped(kind, batch), comm);
      const double foreseen = step_traffic(result.work).total();
      if (comm.size() == 1) {
        EXPECT_EQ(foreseen, 0);
        EXPECT_EQ(result.times.sent_bytes, 0);
      } else {
        EXPECT_NEAR(result.times.sent_bytes / foreseen, 1, 0.03) << name_of(kind) << " " << batch;
      }
    }
}

TEST(StepCost, ForeseesTheBytesOfSamplesThatAreNotDealtToOwners) {
  Communicator comm = Communicator::world();
  Config config = shaped(ModelKind::dot, 8000);
  config.train.reproducible = Reproducible::ranks;
  if (comm.size() == 1 || config.train.granules % comm.size() != 0) return;
  const BenchResult result = bench_of_steps(config, comm);
  EXPECT_FALSE(result.work.deals);
  EXPECT_NEAR(result.times.sent_bytes / step_traffic(result.work).total(), 1, 0.03);
}

TEST(StepCost, ForeseesTheBytesOfBatchNormalisation) {
  Communicator comm = Communicator::world();
  Config config = shaped(ModelKind::neural, 64);
  config.model.embedding_dim = {1, 1};  // so that little else is sent
  config.model.hidden = {100, 50};
  config.model.batch_norm = true;
  const BenchResult result = bench_of_steps(config, comm);
  if (comm.size() == 1) return;
  EXPECT_NEAR(result.times.sent_bytes / step_traffic(result.work).total(), 1, 0.03);
}

TEST(StepCost, ForeseesTheBytesOfRowsThatAreNotProjected) {
  Communicator comm = Communicator::world();
  Config config = shaped(ModelKind::neural, 64);
  config.model.embedding_dropout = 0.1;
  for (const ModelKind kind : {ModelKind::neural, ModelKind::neumf}) {
    config.model.kind = kind;
    const BenchResult result = bench_of_steps(config, comm);
    EXPECT_FALSE(result.work.projects);
    if (comm.size() == 1) continue;
    EXPECT_NEAR(result.times.sent_bytes / step_traffic(result.work).total(), 1, 0.03) << name_of(kind);
  }
}

TEST(StepCost, ForeseesTheBytesOfRowsInBf16) {
  Communicator comm = Communicator::world();
  Config config = shaped(ModelKind::dot, 8000);
  config.comm.shared_memory = false;  // which would round nothing
  const double whole = step_traffic(bench_of_steps(config, comm).work).rows;
  config.comm.wire = WireKind::bf16;
  const BenchResult result = bench_of_steps(config, comm);
  EXPECT_EQ(step_traffic(result.work).rows, whole / 2);
  if (comm.size() == 1) return;
  EXPECT_NEAR(result.times.sent_bytes / step_traffic(result.work).total(), 1, 0.03);
}

TEST(StepCost, CountsTheProductBesideTheLayers) {
  const Config config = shaped(ModelKind::neumf, 8000);
  const StepWork work = step_work(config, 1, 600, 900),
                 layers = step_work(shaped(ModelKind::neural, 8000), 1, 600, 900);
  EXPECT_EQ(work.gmf_cols, 11) << "as many as the last layer";
  EXPECT_EQ(work.units, layers.units);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(work.tables[t].cols, layers.tables[t].cols + 11);
    EXPECT_EQ(work.tables[t].travels, work.projects ? 16 + 37 : work.tables[t].cols);
  }
  EXPECT_EQ(step_flops(work).compute, step_flops(layers).compute + 8000 * 11 * 11);
  EXPECT_EQ(step_flops(work).gather, step_flops(layers).gather);
  const StepWork alone = step_work(shaped(ModelKind::gmf, 8000), 1, 600, 900);
  EXPECT_TRUE(alone.units.empty());
  EXPECT_EQ(step_flops(alone).compute, 8000 * 11 * 20);
}

TEST(StepCost, CountsTableEntriesInsteadOfProducts) {
  StepWork work;
  work.batch = 5;
  work.units = {8, 4, 3, 1};
  work.projects = true;
  EXPECT_EQ(step_flops(work).compute, 5 * 6 * (4 * 3 + 3));
  work.by_gates = true;
  EXPECT_EQ(step_flops(work).compute, 5 * (6 * 3 + 2 * 4 * 3 + 2 * 4))
      << "the output unit, the last layer forward, and an addition an input both ways";
  Config config = shaped(ModelKind::neural, 8000);
  EXPECT_FALSE(step_work(shaped(ModelKind::dot, 8000), 1, 600, 900).by_gates) << "which has no layers";
  if (gates_pay(48, Precision::fp32)) {
    EXPECT_TRUE(step_work(config, 1, 600, 900).by_gates);
    EXPECT_FALSE(step_work(config, 8000 / 40, 600, 900).by_gates) << "too few samples a rank";
    config.train.reproducible = Reproducible::ranks;
    config.train.granules = 256;
    EXPECT_FALSE(step_work(config, 1, 600, 900).by_gates) << "too few a granule";
    config.train.reproducible = Reproducible::run;
    config.model.dropout = {0, 0.1};
    EXPECT_FALSE(step_work(config, 1, 600, 900).by_gates) << "dropout between";
  }
}

/// The pure numbers of a small example, by hand.
TEST(StepCost, CountsWhatTheStepDoes) {
  StepWork work;
  work.world = 2, work.batch = 10;
  work.tables = {{.rows = 100, .cols = 3, .travels = 4, .unique_here = 4, .unique_all = 6, .brought = 0.5},
                 {.rows = 50, .cols = 5, .travels = 4, .unique_here = 2, .unique_all = 4, .brought = 1}};
  work.units = {8, 4, 1};
  work.projects = true;
  const StepFlops flops = step_flops(work);
  EXPECT_EQ(flops.compute, 5 * 6 * 4) << "the second layer, for five samples";
  EXPECT_EQ(flops.gather, 2 * 4 * (3 * 3 + 2 * 5)) << "the first layer, for the owned rows";
  EXPECT_EQ(flops.synchronise, 2 * flops.gather);
  const int arena = 32 + 16 + 16 + 16;  // weights and biases, each padded to 16
  EXPECT_EQ(update_bytes(work), 7 * 4 * (3 * 3 + 5 * 2 + arena));
  EXPECT_EQ(packing_bytes(work), 4 * 4 * 4 * 1.5) << "what travels twice at each end";
  work.wire = 2;
  EXPECT_EQ(packing_bytes(work), 3 * 4 * 4 * 1.5) << "half of what is read or written is halved";
  work.wire = 4;
  const StepTraffic traffic = step_traffic(work);
  EXPECT_EQ(traffic.ids, 3 * 8 + 4 * 1.5);
  EXPECT_EQ(traffic.rows, 4 * 4 * 1.5);
  EXPECT_EQ(traffic.gradients, traffic.rows);
  EXPECT_EQ(traffic.layers, 4 * (arena + 16));
  work.projects = false;
  EXPECT_EQ(step_flops(work).compute, 5 * 6 * (8 * 4 + 4));
  EXPECT_EQ(step_flops(work).gather, 0);
}

TEST(StepCost, TablesAreSharedByTheRanksAndIdsAreNot) {
  const Config config = shaped(ModelKind::neural, 64);
  const StepWork one = step_work(config, 1, 601, 901), four = step_work(config, 4, 601, 901);
  const RankMemory alone = rank_memory(config, one, 20'000), shared = rank_memory(config, four, 20'000);
  EXPECT_DOUBLE_EQ(alone.tables, 601 * (12 * 20 + 8) + 901 * (12 * 31 + 8));
  EXPECT_DOUBLE_EQ(shared.tables, alone.tables / 4);
  EXPECT_DOUBLE_EQ(alone.ratings, 20'000 * 12);
  EXPECT_DOUBLE_EQ(shared.ratings, 20'000 * (12 + 2) / 4);  // with what says when each is due
  EXPECT_DOUBLE_EQ(shared.layers, alone.layers);
  EXPECT_DOUBLE_EQ(shared.vocabulary, alone.vocabulary);
}

}  // namespace
}  // namespace ncf
