// One rank against many: a few steps on P ranks end where one rank ends, up to the rounding of sums.
#include "ncf/train/learner.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ncf/comm/agreement.hpp"
#include "ncf/train/evaluation.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/random.hpp"

namespace ncf {
namespace {

constexpr int64_t users = 23, items = 37, batch = 24, steps = 40;

Config config_for(ModelKind kind, bool batch_norm, EmbeddingUpdate embedding_update, double dropout) {
  Config c;
  c.model.kind = kind;
  c.model.hidden = {16, 8};
  c.model.embedding_dim = {6, 6};
  c.model.y_range = std::vector<double>{0, 5.5};
  c.model.batch_norm = batch_norm;
  c.model.dropout = {dropout};
  c.model.embedding_dropout = dropout;
  c.train.micro_batch = 5;
  c.train.weight_decay = 0.1;
  c.train.embedding_update = embedding_update;
  return c;
}

/// The columns of a global batch; a rank's part is a slice of them.
struct Columns {
  std::vector<int32_t> u, i;
  std::vector<float> r;
  explicit Columns(int64_t step) {
    for (int64_t k = 0; k < batch; ++k) {
      const auto draw = [&](uint64_t what, int64_t bound) {
        return static_cast<int32_t>(random_below(static_cast<uint64_t>(bound), 3, Purpose::synthetic,
                                                 static_cast<uint64_t>(step),
                                                 static_cast<uint64_t>(k) * 8 + what));
      };
      u.push_back(draw(0, users));
      i.push_back(draw(1, items));
      r.push_back(static_cast<float>(1 + (u.back() + i.back()) % 5));
    }
  }
  EpochSamples::Part part(int64_t rank, int64_t world, int64_t step) const {
    const int64_t first = EpochShape::part(batch, rank, world),
                  last = EpochShape::part(batch, rank + 1, world);
    const auto f = static_cast<std::size_t>(first), n = static_cast<std::size_t>(last - first);
    return {std::span(u).subspan(f, n), std::span(i).subspan(f, n), std::span(r).subspan(f, n),
            step * batch + first, batch};
  }
};

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

class LearnerTest : public testing::TestWithParam<std::tuple<ModelKind, bool, EmbeddingUpdate, double>> {};

TEST_P(LearnerTest, ManyRanksLearnWhatOneLearns) {
  auto [kind, batch_norm, embedding_update, rate] = GetParam();
  if (kind == ModelKind::dot && (batch_norm || rate > 0)) GTEST_SKIP() << "the dot model has neither";
  const Config config = config_for(kind, batch_norm, embedding_update, rate);
  Communicator world = Communicator::world();
  Communicator self = Communicator::self();
  const Schedule schedule = make_schedule(config.train, steps, steps);
  Learner alone(config, {0, 1}, users, items, schedule);
  Learner shared(config, {world.rank(), world.size()}, users, items, schedule);
  PhaseTimer timer;
  LossSum alone_loss, shared_loss;
  for (int64_t s = 0; s < steps; ++s) {
    const Columns columns(s);
    alone.step(self, columns.part(0, 1, s), s + 1, 0, alone_loss, timer);
    shared.step(world, columns.part(world.rank(), world.size(), s), s + 1, 0, shared_loss, timer);
  }
  const double a = global_mean(self, alone_loss.exact, steps * batch);
  const double b = global_mean(world, shared_loss.exact, steps * batch);
  EXPECT_GT(a, 0);
  EXPECT_NEAR(a, b, 1e-5 * a);
  const auto expected = everything(self, alone, steps), got = everything(world, shared, steps);
  ASSERT_EQ(expected.size(), got.size());
  for (std::size_t k = 0; k < expected.size(); ++k) ASSERT_NEAR(expected[k], got[k], 2e-4) << "value " << k;

  Samples valid;
  valid.total = items;
  const int64_t first = items * world.rank() / world.size(), last = items * (world.rank() + 1) / world.size();
  for (int64_t i = first; i < last; ++i)
    valid.rows.push_back({static_cast<int32_t>(i % users), static_cast<int32_t>(i), 3});
  Samples all;
  all.total = items;
  for (int64_t i = 0; i < items; ++i)
    all.rows.push_back({static_cast<int32_t>(i % users), static_cast<int32_t>(i), 3});
  EXPECT_NEAR(evaluate_ratings(self, alone, all).mse, evaluate_ratings(world, shared, valid).mse, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Models, LearnerTest,
                         testing::Combine(testing::Values(ModelKind::neural, ModelKind::dot), testing::Bool(),
                                          testing::Values(EmbeddingUpdate::lazy, EmbeddingUpdate::dense),
                                          testing::Values(0.0, 0.3)));

TEST(Learner, ALossThatIsNotFiniteEndsOnAllRanks) {
  Communicator comm = Communicator::world();
  const Config config = config_for(ModelKind::neural, false, EmbeddingUpdate::lazy, 0);
  Learner learner(config, {comm.rank(), comm.size()}, users, items,
                  make_schedule(config.train, steps, steps));
  Columns columns(0);
  columns.r[0] = NAN;  // a sample of rank 0 only
  PhaseTimer timer;
  LossSum loss;
  try {
    learner.step(comm, columns.part(comm.rank(), comm.size(), 0), 1, 0, loss, timer);
    FAIL() << "no error on rank " << comm.rank();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::diverged);
    EXPECT_TRUE(e.agreed());
    EXPECT_NE(std::string(e.what()).find("step 1"), std::string::npos);
  }
}

}  // namespace
}  // namespace ncf
