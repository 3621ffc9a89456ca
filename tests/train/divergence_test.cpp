// Numbers that are not finite end a step on all ranks, whoever saw them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ncf/util/error.hpp"
#include "train/small_learner.hpp"

namespace ncf {
namespace {

TEST(Divergence, ALossThatIsNotFiniteEndsOnAllRanks) {
  Communicator comm = Communicator::world();
  const Config config = config_for(ModelKind::neural, false, EmbeddingUpdate::lazy, 0);
  const Granules granules = make_granules(config.train, comm.size());
  Learner learner(config, {comm.rank(), comm.size()}, granules, users, items,
                  make_schedule(config.train, steps, steps));
  Columns columns(0, 24);
  columns.r[0] = NAN;  // a sample of rank 0 only
  PhaseTimer timer;
  LossSum loss;
  try {
    learner.step(comm, columns.part(granules, comm.rank(), 0), 1, 0, loss, timer);
    FAIL() << "no error on rank " << comm.rank();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::diverged);
    EXPECT_TRUE(e.agreed());
    EXPECT_NE(std::string(e.what()).find("step 1"), std::string::npos);
  }
}

/// Nothing else would show it: with every unit off there is no gradient, and the loss is finite.
TEST(Divergence, ARowThatIsNotFiniteAndTurnsEveryUnitOffEndsOnAllRanks) {
  Communicator comm = Communicator::world();
  for (const FirstLayer first_layer : {FirstLayer::rows, FirstLayer::samples}) {
    Config config = config_for(ModelKind::neural, false, EmbeddingUpdate::lazy, 0);
    config.train.first_layer = first_layer;
    const Granules granules = make_granules(config.train, comm.size());
    Learner learner(config, {comm.rank(), comm.size()}, granules, users, items,
                    make_schedule(config.train, steps, steps));
    const Columns columns(0, 24);
    for (int64_t unit = 0; unit < 16; ++unit) learner.dense().matrix(0).row(unit)[0] = 0.5F;
    if (const int64_t user = columns.u[0]; user % comm.size() == comm.rank())
      learner.tables()[0].weight.row(user / comm.size())[0] = -std::numeric_limits<float>::infinity();
    PhaseTimer timer;
    LossSum loss;
    try {
      for (const int64_t step : {1, 2})
        learner.step(comm, columns.part(granules, comm.rank(), step - 1), step, 0, loss, timer);
      ADD_FAILURE() << "no error on rank " << comm.rank();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::diverged);
      EXPECT_TRUE(e.agreed());
      EXPECT_NE(std::string(e.what()).find("/embedding/user"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace ncf
