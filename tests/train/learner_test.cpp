// One rank against many: a few steps on P ranks end where one rank ends, up to the rounding of sums.
#include "ncf/train/learner.hpp"

#include <gtest/gtest.h>

#include "ncf/nn/gemm.hpp"
#include "ncf/nn/units_on.hpp"
#include "ncf/train/evaluation.hpp"
#include "train/small_learner.hpp"

namespace ncf {
namespace {

/// Weights of all tables and the dense values, whole on every rank.
std::vector<float> everything(Communicator& comm, Learner& learner, int64_t step) {
  learner.catch_up_all(step);
  std::vector<float> out;
  for (std::size_t s = 0; s < learner.dense().segments().size(); ++s) {
    const auto v = learner.dense().value(s);
    out.insert(out.end(), v.begin(), v.end());
  }
  const ShardMap shards{comm.rank(), comm.size()};
  for (RowTable& t : learner.tables()) {
    std::vector<float> whole(static_cast<std::size_t>(t.shape().rows * t.shape().cols()), 0.0F);
    for (int64_t l = 0; l < t.local_rows(); ++l)
      std::copy_n(t.weight.row(l), t.shape().cols(), whole.begin() + shards.global(l) * t.shape().cols());
    comm.all_reduce_sum(std::span<float>(whole));
    out.insert(out.end(), whole.begin(), whole.end());
  }
  return out;
}

/// What a run of `steps` steps on these ranks ends with.
struct Outcome {
  double loss = 0, mse = 0;
  std::vector<float> values;
};

struct How {
  int64_t threads = 1;
  bool overlap = false, share = false;
};

Outcome outcome(Communicator& comm, const Config& config, const How& how = {}) {
  const Granules granules = make_granules(config.train, comm.size(), how.threads);
  Learner learner(config, {comm.rank(), comm.size()}, granules, users, items,
                  make_schedule(config.train, steps, steps), how.threads);
  learner.set_overlap(how.overlap);
  if (how.share) learner.share_memory(comm);
  PhaseTimer timer;
  LossSum loss;
  for (int64_t s = 0; s < steps; ++s) {
    const Columns columns(s, config.train.batch_size);
    learner.step(comm, columns.part(granules, comm.rank(), s), s + 1, 0, loss, timer);
  }
  Outcome out;
  out.loss = global_mean(comm, loss.exact, steps * config.train.batch_size);
  out.values = everything(comm, learner, steps);
  Samples valid;
  valid.total = 1000;
  valid.first = valid.total * comm.rank() / comm.size();
  for (int64_t k = valid.first; k < valid.total * (comm.rank() + 1) / comm.size(); ++k)
    valid.rows.push_back({static_cast<int32_t>(k % users), static_cast<int32_t>(k % items), 3});
  out.mse = evaluate_ratings(comm, learner, valid).mse;
  return out;
}

class LearnerTest
    : public testing::TestWithParam<std::tuple<ModelKind, bool, EmbeddingUpdate, double, FirstLayer>> {
 protected:
  void SetUp() override {
    auto [kind, batch_norm, embedding_update, rate, first_layer] = GetParam();
    const bool samples = first_layer == FirstLayer::samples;
    const bool flat = kind == ModelKind::dot || kind == ModelKind::gmf;
    if (flat && (batch_norm || rate > 0 || samples)) GTEST_SKIP() << "a product of rows has no such thing";
    if (rate > 0 && samples) GTEST_SKIP() << "with dropout on the embeddings there is no other way";
    if (kind == ModelKind::neumf && rate > 0 && batch_norm)
      GTEST_SKIP()
          << "what either does to the layers is seen with each alone, and with both without a product";
    config = config_for(kind, batch_norm, embedding_update, rate);
    config.train.first_layer = first_layer;
  }
  Config config;
  Communicator world = Communicator::world(), self = Communicator::self();
};

TEST_P(LearnerTest, ManyRanksLearnWhatOneLearns) {
  const Outcome one = outcome(self, config), many = outcome(world, config);
  EXPECT_GT(one.loss, 0);
  EXPECT_NEAR(one.loss, many.loss, 1e-5 * one.loss);
  EXPECT_NEAR(one.mse, many.mse, 1e-4);
  ASSERT_EQ(one.values.size(), many.values.size());
  for (std::size_t k = 0; k < one.values.size(); ++k)
    ASSERT_NEAR(one.values[k], many.values[k], 2e-4) << "value " << k;
}

TEST_P(LearnerTest, InAFixedOrderTheyLearnItBitByBit) {
  config.train.reproducible = Reproducible::ranks;
  for (const int64_t granules : {2, 8, 16}) {
    if (granules % world.size() != 0) continue;
    config.train.granules = granules;
    const Outcome one = outcome(self, config), many = outcome(world, config);
    EXPECT_EQ(one.loss, many.loss);
    EXPECT_EQ(one.mse, many.mse);
    ASSERT_EQ(one.values, many.values) << granules << " granules";
    const Outcome threads = outcome(world, config, {.threads = 2, .overlap = true});
    EXPECT_EQ(one.loss, threads.loss);
    EXPECT_EQ(one.mse, threads.mse);
    ASSERT_EQ(one.values, threads.values) << granules << " granules, two threads, overlapping";
    const Outcome overlapping = outcome(world, config, {.overlap = true});
    EXPECT_EQ(one.loss, overlapping.loss);
    ASSERT_EQ(one.values, overlapping.values) << granules << " granules, overlapping";
    const Outcome shared = outcome(world, config, {.share = true});
    EXPECT_EQ(one.loss, shared.loss);
    EXPECT_EQ(one.mse, shared.mse);
    ASSERT_EQ(one.values, shared.values) << granules << " granules, in shared memory";
  }
}

TEST_P(LearnerTest, SharedMemoryChangesNoBit) {
  for (const bool overlap : {false, true}) {
    const Outcome sent = outcome(world, config, {.overlap = overlap}),
                  shared = outcome(world, config, {.overlap = overlap, .share = true});
    EXPECT_EQ(sent.loss, shared.loss);
    EXPECT_EQ(sent.mse, shared.mse);
    ASSERT_EQ(sent.values, shared.values);
  }
}

TEST_P(LearnerTest, RoundedOnTheWireTheyLearnNearlyThat) {
  const Outcome plain = outcome(world, config), shared = outcome(world, config, {.share = true});
  config.comm.wire = WireKind::bf16;
  const Outcome rounded = outcome(world, config), beside = outcome(world, config, {.overlap = true}),
                in_place = outcome(world, config, {.share = true});
  if (world.size() == 1)
    EXPECT_EQ(plain.values, rounded.values);
  else
    EXPECT_NE(plain.values, rounded.values);
  EXPECT_EQ(rounded.values, beside.values);
  EXPECT_EQ(shared.values, in_place.values) << "nothing is sent";
  // A value is off by up to 2^-9 of it where it is sent, and after forty steps some of that is left. With
  // batch normalisation more, one way or the other: there the mean of several runs tells.
  double off = 0;
  const int64_t runs = config.model.batch_norm ? 8 : 1;
  for (int64_t run = 0; run < runs; ++run) {
    config.run.seed += 1;
    config.comm.wire = WireKind::fp32;
    const double exact = outcome(world, config).loss;
    config.comm.wire = WireKind::bf16;
    off += (outcome(world, config).loss / exact - 1) / static_cast<double>(runs);
  }
  EXPECT_NEAR(off, 0, config.model.batch_norm ? 1e-2 : 1e-4);
}

TEST(Learner, WhatIsPredictedIsNotRoundedOnTheWire) {
  Communicator world = Communicator::world();
  Config config = config_for(ModelKind::neural, false, EmbeddingUpdate::lazy, 0);
  std::vector<float> predictions[2];
  for (const WireKind wire : {WireKind::fp32, WireKind::bf16}) {
    config.comm.wire = wire;
    Learner learner(config, {world.rank(), world.size()}, make_granules(config.train, world.size(), 1), users,
                    items, make_schedule(config.train, steps, steps), 1);
    const Columns columns(world.rank(), 24);
    std::vector<float>& out = predictions[wire == WireKind::bf16];
    out.resize(columns.u.size());
    learner.predict(world, 0, columns.u, columns.i, out);
  }
  EXPECT_EQ(predictions[0], predictions[1]);
}

TEST_P(LearnerTest, OverlappingChangesNoBit) {
  for (const int64_t threads : {1, 3}) {
    const Outcome before_and_after = outcome(world, config, {.threads = threads}),
                  beside = outcome(world, config, {.threads = threads, .overlap = true});
    EXPECT_EQ(before_and_after.loss, beside.loss);
    EXPECT_EQ(before_and_after.mse, beside.mse);
    ASSERT_EQ(before_and_after.values, beside.values) << threads << " threads";
  }
}

TEST_P(LearnerTest, ThreadsChangeOnlyTheRounding) {
  const Outcome one = outcome(world, config), three = outcome(world, config, {.threads = 3});
  EXPECT_NEAR(one.loss, three.loss, 1e-5 * one.loss);
  for (std::size_t k = 0; k < one.values.size(); ++k)
    ASSERT_NEAR(one.values[k], three.values[k], 2e-4) << "value " << k;
}

TEST(UsefulThreads, AreNotMoreThanABatchKeepsBusy) {
  TrainConfig c;
  c.batch_size = 64;
  EXPECT_EQ(useful_threads(c, 1, 8), 1);
  c.batch_size = 128;
  EXPECT_EQ(useful_threads(c, 1, 8), 2);
  EXPECT_EQ(useful_threads(c, 2, 8), 1);
  c.batch_size = 1024;
  EXPECT_EQ(useful_threads(c, 1, 8), 5);
  EXPECT_EQ(useful_threads(c, 2, 8), 4);
  EXPECT_EQ(useful_threads(c, 1, 3), 3);
  c.batch_size = 1 << 20;
  EXPECT_EQ(useful_threads(c, 1, 8), 8);
  c.reproducible = Reproducible::ranks;
  c.granules = 4;
  EXPECT_EQ(useful_threads(c, 1, 8), 4);
  EXPECT_EQ(useful_threads(c, 4, 8), 1);
}

TEST_P(LearnerTest, OnOneRankGranulesChangeOnlyTheRounding) {
  const Outcome plain = outcome(self, config);
  config.train.reproducible = Reproducible::ranks;
  const Outcome fixed = outcome(self, config);
  EXPECT_NEAR(plain.loss, fixed.loss, 1e-5 * plain.loss);
  for (std::size_t k = 0; k < plain.values.size(); ++k)
    ASSERT_NEAR(plain.values[k], fixed.values[k], 2e-4) << "value " << k;
}

INSTANTIATE_TEST_SUITE_P(
    Models, LearnerTest,
    testing::Combine(testing::Values(ModelKind::neural, ModelKind::dot, ModelKind::gmf, ModelKind::neumf),
                     testing::Bool(), testing::Values(EmbeddingUpdate::lazy, EmbeddingUpdate::dense),
                     testing::Values(0.0, 0.3), testing::Values(FirstLayer::rows, FirstLayer::samples)));

TEST(Learner, InBf16AFixedOrderGivesTheSameBits) {
  if (!has_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  Communicator world = Communicator::world(), self = Communicator::self();
  if (8 % world.size() != 0) GTEST_SKIP() << world.size() << " ranks do not share 8 granules";
  Config config = config_for(ModelKind::neural, true, EmbeddingUpdate::dense, 0);
  const Outcome fp32 = outcome(self, config);
  config.train.precision = PrecisionKind::bf16;
  config.train.reproducible = Reproducible::ranks;
  const Outcome one = outcome(self, config), many = outcome(world, config);
  EXPECT_EQ(one.loss, many.loss);
  EXPECT_EQ(one.mse, many.mse);
  EXPECT_EQ(one.values, many.values);
  EXPECT_NE(one.loss, fp32.loss);
  EXPECT_NEAR(one.loss, fp32.loss, 0.01 * fp32.loss);
}

/// Where a granule has many samples layers are gone through in other ways than with a few, which depend on
/// all samples of a micro-batch.
TEST(Learner, InAFixedOrderLargeGranulesGiveTheSameBits) {
  Communicator world = Communicator::world(), self = Communicator::self();
  if (8 % world.size() != 0) GTEST_SKIP() << world.size() << " ranks do not share 8 granules";
  for (const FirstLayer first_layer : {FirstLayer::rows, FirstLayer::samples})
    for (const PrecisionKind precision : {PrecisionKind::fp32, PrecisionKind::bf16}) {
      if (precision == PrecisionKind::bf16 && !has_bf16()) continue;
      Config config = config_for(ModelKind::neural, false, EmbeddingUpdate::lazy, 0);
      config.model.hidden = {40, 24, 9};
      config.train.first_layer = first_layer;
      config.train.precision = precision;
      config.train.reproducible = Reproducible::ranks;
      config.train.granules = 8;
      config.train.micro_batch = 64;
      for (const int64_t samples : {8 * 47 + 4, 8 * 64, 8 * 130}) {
        SCOPED_TRACE(testing::Message() << samples << " samples, precision " << static_cast<int>(precision)
                                        << ", first layer " << static_cast<int>(first_layer));
        config.train.batch_size = samples;
        const Outcome one = outcome(self, config), many = outcome(world, config),
                      threads = outcome(world, config, {.threads = 2, .overlap = true});
        EXPECT_EQ(one.loss, many.loss);
        EXPECT_EQ(one.mse, many.mse);
        EXPECT_EQ(one.values, many.values);
        EXPECT_EQ(one.loss, threads.loss);
        EXPECT_EQ(one.values, threads.values);
      }
    }
}

/// The samples of a batch may be computed in any order: but for rounding the same comes of it. In one
/// micro-batch they are not sorted. Whether rows travel beside the computation changes no bit.
TEST(Learner, SortedSamplesTeachTheSame) {
  Communicator world = Communicator::world();
  Config config = config_for(ModelKind::neural, false, EmbeddingUpdate::lazy, 0);
  config.model.hidden = {256, 24, 9};
  config.train.first_layer = FirstLayer::samples;
  config.train.batch_size = 1024 + 3;
  for (const int64_t threads : {1, 2}) {
    config.train.micro_batch = config.train.batch_size;
    const Outcome plain = outcome(world, config, {.threads = threads});
    config.train.micro_batch = 64;
    const Outcome sorted = outcome(world, config, {.threads = threads});
    EXPECT_NEAR(plain.loss, sorted.loss, 1e-5 * plain.loss);
    EXPECT_NEAR(plain.mse, sorted.mse, 1e-4);
    for (std::size_t k = 0; k < plain.values.size(); ++k)
      ASSERT_NEAR(plain.values[k], sorted.values[k], 2e-4) << "value " << k;
    for (const How& how : {How{threads, true, false}, How{threads, false, true}, How{threads, true, true}})
      EXPECT_EQ(sorted.values, outcome(world, config, how).values)
          << (how.overlap ? "overlapping " : "") << (how.share ? "in shared memory" : "");
  }
}

TEST(Learner, RowsComeInAsManyPartsAsThereAreRounds) {
  Communicator comm = Communicator::world();
  const auto parts = [&](bool batch_norm, int64_t samples_a_rank, int64_t threads, bool overlap,
                         int64_t units = 16) {
    Config config = config_for(ModelKind::neural, batch_norm, EmbeddingUpdate::lazy, 0);
    config.model.hidden[0] = units;
    config.train.first_layer = FirstLayer::samples;
    Learner learner(config, {comm.rank(), comm.size()}, make_granules(config.train, comm.size(), threads),
                    users, items, make_schedule(config.train, steps, steps), threads);
    learner.set_overlap(overlap);
    return learner.parts(samples_a_rank * comm.size());
  };
  EXPECT_EQ(parts(false, 5, 1, true), 1);  // a micro-batch
  EXPECT_EQ(parts(false, 6, 1, true), 2);
  EXPECT_EQ(parts(false, 30, 1, true), 6);
  EXPECT_EQ(parts(false, 30, 2, true), 3);
  EXPECT_EQ(parts(false, 1000, 1, true), 8);
  EXPECT_EQ(parts(false, 1000, 1, false), 1);
  EXPECT_EQ(parts(true, 1000, 1, true), 1);  // which needs all samples at every layer
  EXPECT_EQ(parts(false, 1024, 1, true, 255), 8);
  EXPECT_EQ(parts(false, 1024, 1, true, 256), 1);  // which are sorted first
}

}  // namespace
}  // namespace ncf
