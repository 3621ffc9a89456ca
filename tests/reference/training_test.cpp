#include "reference/training.hpp"

#include <gtest/gtest.h>

#include "reference/agreement.hpp"
#include "reference/example.hpp"

namespace ncf::reference {
namespace {

const Network neural{false, true, 6, 5, {8, 4}, std::pair{0.0, 5.5}};
const Network dot{true, false, 6, 6, {}, std::pair{0.0, 5.5}};
constexpr std::size_t steps = 30;

Training training(const Network& net, const Rule& rule, bool lazy, double momentum = 0.9) {
  std::vector<Rates> rates = one_cycle(1, steps, 0.05);
  if (rule.sgd)
    for (Rates& r : rates) r.momentum = momentum;
  return {net, example_values(net), rule, rates, lazy};
}

void expect_equal(const Values& actual, const Values& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, values] : expected) EXPECT_TRUE(agree(name, actual.at(name), values, tolerance));
}

TEST(ReferenceTraining, LearnsABatchByHeart) {
  for (const Network& net : {neural, dot}) {
    Training run = training(net, {}, true);
    const double first = run.step(example_batch(13)).loss;
    double last = 0;
    for (std::size_t s = 1; s < steps; ++s) last = run.step(example_batch(13)).loss;
    EXPECT_LT(last, 0.8 * first);
  }
}

TEST(ReferenceTraining, LazyIsDenseWhereEveryStepTouchesEveryRow) {
  Batch all;
  for (std::size_t u = 0; u < example_users; ++u)
    for (std::size_t i = 0; i < example_items; ++i) {
      all.users.push_back(u);
      all.items.push_back(i);
      all.ratings.push_back(static_cast<double>(1 + (u + 2 * i) % 5));
    }
  for (const Network& net : {neural, dot}) {
    Training lazy = training(net, {}, true), dense = training(net, {}, false);
    for (std::size_t s = 0; s < 5; ++s) lazy.step(all), dense.step(all);
    expect_equal(lazy.values(), dense.values(), 0);
  }
}

TEST(ReferenceTraining, WithoutMomentsLazyIsDenseOnceCaughtUp) {
  // A row that no sample touches only decays; what a lazy row is owed arrives before anyone reads it.
  const Rule rule{.sgd = true, .weight_decay = 0.5};
  for (const Network& net : {neural, dot}) {
    Training lazy = training(net, rule, true, 0), dense = training(net, rule, false, 0);
    for (std::size_t s = 0; s < steps; ++s) {
      const Batch batch = example_batch(3, s);
      EXPECT_NEAR(lazy.step(batch).loss, dense.step(batch).loss, 1e-12);
      if (s == steps / 2) lazy.catch_up();  // an evaluation in between changes nothing
    }
    EXPECT_FALSE(agree("untouched user", lazy.values().at("/embedding/user/weight"),
                       dense.values().at("/embedding/user/weight"), 1e-3));
    lazy.catch_up();
    expect_equal(lazy.values(), dense.values(), 1e-12);
    lazy.catch_up();
    expect_equal(lazy.values(), dense.values(), 1e-12);
  }
}

TEST(ReferenceTraining, AnUntouchedRowKeepsItsMomentsAndOnlyDecays) {
  for (const bool sgd : {false, true}) {
    const Rule rule{.sgd = sgd, .weight_decay = 0.1};
    Training lazy = training(dot, rule, true), dense = training(dot, rule, false);
    const Batch once{{3}, {4}, {1.0}}, then{{2}, {5}, {4.0}};
    lazy.step(once), dense.step(once);
    const Vector after_first = lazy.values().at("/embedding/user/weight");
    const double moment = lazy.moments().at("/embedding/user/weight")[3 * 6].first;
    ASSERT_NE(moment, 0);
    double owed = 1;
    for (std::size_t s = 1; s < 10; ++s) {
      lazy.step(then), dense.step(then);
      owed *= 1 - one_cycle(1, steps, 0.05)[s].lr * 0.1;
    }
    EXPECT_EQ(lazy.values().at("/embedding/user/weight")[3 * 6], after_first[3 * 6]);
    lazy.catch_up();
    EXPECT_NEAR(lazy.values().at("/embedding/user/weight")[3 * 6], owed * after_first[3 * 6], 1e-15);
    EXPECT_EQ(lazy.moments().at("/embedding/user/weight")[3 * 6].first, moment);
    // Where a dense update goes on moving it by what is left of its moment.
    EXPECT_GT(std::abs(dense.values().at("/embedding/user/weight")[3 * 6] - owed * after_first[3 * 6]), 1e-3);
  }
}

TEST(ReferenceTraining, DecayIsForWeightsAndEmbeddings) {
  for (const char* name :
       {"/embedding/user/weight", "/embedding/item/bias", "/mlp/0/weight", "/mlp/2/weight"})
    EXPECT_TRUE(decays(name)) << name;
  for (const char* name : {"/mlp/0/bias", "/mlp/0/bn/weight", "/mlp/1/bn/bias"})
    EXPECT_FALSE(decays(name)) << name;
}

TEST(ReferenceTraining, RunningStatisticsMoveWithEachBatch) {
  Training run = training(neural, {}, false);
  const Values before = run.values();
  const Result result = run.step(example_batch(13));
  EXPECT_EQ(run.values().at("/mlp/1/bn/running_var"), result.running.at("/mlp/1/bn/running_var"));
  EXPECT_NE(run.values().at("/mlp/1/bn/running_var"), before.at("/mlp/1/bn/running_var"));
}

}  // namespace
}  // namespace ncf::reference
