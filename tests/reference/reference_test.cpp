// The oracle's own oracle: every gradient against central differences of the loss, and the few values that
// can be worked out by hand.
#include "reference/reference.hpp"

#include <gtest/gtest.h>

#include "reference/agreement.hpp"
#include "reference/example.hpp"

namespace ncf::reference {
namespace {

struct Case {
  std::string name;
  Network net;
  bool dropout = false;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

Network network(bool dot, bool batch_norm, bool range) {
  Network net{dot, batch_norm, 6, dot ? 6U : 5U, {8, 4}, {}};
  if (range) net.range = {0.0, 5.5};
  return net;
}

class Slopes : public testing::TestWithParam<Case> {};

TEST_P(Slopes, GradientsAreCentralDifferencesOfTheLoss) {
  const Network& net = GetParam().net;
  const Values values = example_values(net);
  const Batch batch = example_batch(13);
  const Masks masks = GetParam().dropout ? example_masks(net, 13) : Masks{};
  const auto loss = [&](const std::string& name, std::size_t i, double h) {
    Values moved = values;
    moved.at(name)[i] += h;
    return evaluate(net, moved, batch, masks).loss;
  };
  constexpr double h = 1e-5;
  for (const auto& [name, gradient] : evaluate(net, values, batch, masks).gradients) {
    Vector slopes;
    for (std::size_t i = 0; i < gradient.size(); ++i)
      slopes.push_back((loss(name, i, h) - loss(name, i, -h)) / (2 * h));
    EXPECT_TRUE(agree(name, gradient, slopes, 1e-6));
    double largest = 0;
    for (double value : gradient) largest = std::max(largest, std::abs(value));
    EXPECT_GT(largest, 1e-3) << name << ": nothing was compared";
  }
}

TEST_P(Slopes, EveryParameterHasAGradientAndRunningStatisticsHaveNone) {
  const Network& net = GetParam().net;
  const Values values = example_values(net);
  const Result result = evaluate(net, values, example_batch(13));
  EXPECT_EQ(result.gradients.size() + result.running.size(), values.size());
  EXPECT_EQ(result.running.size(), net.batch_norm ? 2 * net.hidden.size() : 0U);
}

INSTANTIATE_TEST_SUITE_P(Models, Slopes,
                         testing::Values(Case{"neural", network(false, false, true)},
                                         Case{"neural_raw", network(false, false, false)},
                                         Case{"neural_dropout", network(false, false, true), true},
                                         Case{"batch_norm", network(false, true, true)},
                                         Case{"batch_norm_dropout", network(false, true, true), true},
                                         Case{"no_hidden_layer", Network{false, false, 3, 2, {}, {}}},
                                         Case{"gmf", Network{false, false, 0, 0, {}, {{0.0, 5.5}}, 6}},
                                         Case{"gmf_raw", Network{false, false, 0, 0, {}, {}, 6}},
                                         Case{"neumf", Network{false, false, 6, 5, {8, 4}, {{0.0, 5.5}}, 3}},
                                         Case{"neumf_batch_norm_dropout",
                                              Network{false, true, 6, 5, {8, 4}, {{0.0, 5.5}}, 3}, true},
                                         Case{"dot", network(true, false, true)},
                                         Case{"dot_raw", network(true, false, false)}),
                         [](const auto& one) { return one.param.name; });

TEST(Reference, DotByHand) {
  const Network net{true, false, 2, 2, {}, std::pair{1.0, 5.0}};
  const Values p = {{"/embedding/user/weight", {9, 9, 1, 2}},
                    {"/embedding/item/weight", {9, 9, 3, -1}},
                    {"/embedding/user/bias", {9, 0.25}},
                    {"/embedding/item/bias", {9, -1.25}}};
  const Batch batch{{1}, {1}, {2.0}};  // 1·3 − 2·1 + .25 − 1.25 = 0, the middle of the range
  const Result result = evaluate(net, p, batch);
  EXPECT_DOUBLE_EQ(result.predictions.at(0), 3.0);
  EXPECT_DOUBLE_EQ(result.loss, 1.0);
  // dz = 2·(3 − 2)·4·¼ = 2
  EXPECT_EQ(result.gradients.at("/embedding/user/bias"), (Vector{0, 2}));
  EXPECT_EQ(result.gradients.at("/embedding/user/weight"), (Vector{0, 0, 6, -2}));
  EXPECT_EQ(result.gradients.at("/embedding/item/weight"), (Vector{0, 0, 2, 4}));
  EXPECT_EQ(predict(net, p, batch), result.predictions);
}

TEST(Reference, BatchNormByHand) {
  BatchNorm norm;
  const Rows y = norm.forward({{1}, {2}, {6}}, {2}, {10});
  const double deviation = std::sqrt(14.0 / 3 + 1e-5);  // mean 3, squares 4 + 1 + 9
  EXPECT_DOUBLE_EQ(y[0][0], 10 - 4 / deviation);
  EXPECT_DOUBLE_EQ(y[2][0], 10 + 6 / deviation);
  Vector mean = {1}, variance = {1};
  norm.move_running(mean, variance);
  EXPECT_DOUBLE_EQ(mean[0], 0.9 + 0.1 * 3);
  EXPECT_DOUBLE_EQ(variance[0], 0.9 + 0.1 * 7);  // unbiased: 14/2
  EXPECT_DOUBLE_EQ(BatchNorm::evaluate({{5}}, {2}, {10}, {3}, {4 - 1e-5})[0][0], 12);
}

TEST(Reference, PredictionUsesRunningStatisticsAndDropsNothing) {
  const Network net = network(false, true, true);
  Values values = example_values(net);
  const Batch batch = example_batch(13);
  const Vector before = predict(net, values, batch);
  EXPECT_FALSE(agree("predictions of training", evaluate(net, values, batch).predictions, before, 1e-2));
  // Once they are the batch's own (but for the bias of its variance), both modes are one.
  for (int pass = 0; pass < 400; ++pass)
    for (auto& [name, statistics] : evaluate(net, values, batch).running) values[name] = statistics;
  for (std::size_t l = 0; l < net.hidden.size(); ++l)
    for (double& variance : values.at(layer_path(l) + "/bn/running_var")) variance *= 12.0 / 13;
  EXPECT_TRUE(
      agree("predictions", predict(net, values, batch), evaluate(net, values, batch).predictions, 1e-9));
}

}  // namespace
}  // namespace ncf::reference
