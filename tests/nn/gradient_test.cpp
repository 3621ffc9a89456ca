// Gradients: a reference in double precision is checked by finite differences, which float is too coarse for,
// and then the models are checked against the reference, also in micro-batches and slices.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "reference/agreement.hpp"
#include "reference/driven_model.hpp"
#include "reference/reference.hpp"

namespace ncf {
namespace {

using reference::agree;
using reference::DrivenModel;
using reference::Samples;

struct Case {
  std::string name;
  bool dot = false, batch_norm = false, range = true;
  FirstLayer first_layer = FirstLayer::rows;
  std::vector<int64_t> hidden = {8, 4};
  double size = 0.6;  // of the values: wide, so that every term counts, but no sigmoid at its end
  int64_t off = 0;    // of this many units of a hidden layer one or two are off for all samples
  bool gmf = false;
  int64_t gmf_dim = 0;  // of NeuMF
};

/// Users 0 to 6 and items 0 to 10: rows that meet several samples, or none.
Samples make_batch(int32_t samples) {
  Samples batch;
  for (int32_t k = 0; k < samples; ++k) {
    batch.users.push_back(k * 5 % 7);
    batch.items.push_back(k * 3 % 11);
    batch.ratings.push_back(static_cast<float>(1 + k * 7 % 5));
  }
  return batch;
}

class Gradient : public testing::TestWithParam<Case> {
 protected:
  static constexpr int64_t whole = 1024;  // a micro-batch that holds every sample

  Gradient() {
    const Case& c = GetParam();
    config_.kind = c.dot            ? ModelKind::dot
                   : c.gmf          ? ModelKind::gmf
                   : c.gmf_dim != 0 ? ModelKind::neumf
                                    : ModelKind::neural;
    config_.embedding_dim = {6, config_.has_layers() ? 5 : 6};
    config_.gmf_dim = c.gmf_dim;
    config_.hidden = c.hidden;
    config_.batch_norm = c.batch_norm;
    net_ = {c.dot, c.batch_norm, 6, c.dot ? 6U : 5U, {c.hidden.begin(), c.hidden.end()}, {}};
    net_.gmf_width = static_cast<std::size_t>(c.gmf ? 6 : c.gmf_dim);
    if (c.gmf) net_.user_width = net_.item_width = 0;
    if (c.range) {
      config_.y_range = {0.0, 5.5};
      net_.range = {0.0, 5.5};
    }
    // Floats exactly, so that both sides start from the same numbers.
    DrivenModel model(config_, whole);
    double phase = 0;
    for (const std::string& name : model.names()) {
      auto& values = values_[name] = model.values(name);
      for (double& value : values)
        value = static_cast<double>(static_cast<float>(c.size * std::sin(phase += 1.7)));
      if (name.ends_with("/running_var")) values.assign(values.size(), 1.0);
      if (c.off > 0 && name.ends_with("/bias") && values.size() > 1)
        for (std::size_t k = 0; k < values.size(); ++k)
          if (k % static_cast<std::size_t>(c.off) < 2) values[k] = -50;
    }
  }

  DrivenModel make_model(int64_t micro_batch) const {
    DrivenModel model(config_, micro_batch, GetParam().first_layer);
    for (const auto& [name, values] : values_) model.set(name, values);
    return model;
  }

  void expect_reference_gradients(DrivenModel& model) const {
    const reference::Result expected = evaluate(net_, values_, batch_);
    EXPECT_EQ(model.trained_names().size(), expected.gradients.size());
    for (const std::string& name : model.trained_names())
      EXPECT_TRUE(agree(name, model.gradient(name), expected.gradients.at(name), 1e-5));
  }

  ModelConfig config_;
  reference::Network net_;
  reference::Values values_;
  Samples batch_ = make_batch(16);
};

TEST_P(Gradient, ReferenceIsTheSlopeOfItsLoss) {
  const reference::Result at = evaluate(net_, values_, batch_);
  constexpr double h = 1e-5;
  for (const auto& [name, gradient] : at.gradients) {
    std::vector<double> slopes;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      reference::Values up = values_, down = values_;
      up.at(name)[i] += h;
      down.at(name)[i] -= h;
      slopes.push_back((evaluate(net_, up, batch_).loss - evaluate(net_, down, batch_).loss) / (2 * h));
    }
    EXPECT_TRUE(agree(name, gradient, slopes, 1e-6));
  }
}

TEST_P(Gradient, ModelAgreesWithReference) {
  DrivenModel model = make_model(whole);
  const LossSum loss = model.train(batch_);
  const reference::Result expected = evaluate(net_, values_, batch_);
  EXPECT_TRUE(agree("loss", std::vector{loss.exact.value() / 16}, std::vector{expected.loss}, 1e-5));
  expect_reference_gradients(model);
  if (!GetParam().batch_norm) {  // which predicts with running statistics
    EXPECT_TRUE(agree("predictions", model.predict(batch_), expected.predictions, 1e-5));
  }
}

TEST_P(Gradient, MicroBatchesAreOneBatch) {
  for (int64_t micro_batch : {1, 5, 16}) {  // 5: three whole ones and one of a single sample
    SCOPED_TRACE(micro_batch);
    DrivenModel model = make_model(micro_batch), one = make_model(whole);
    const double loss = model.train(batch_).exact.value(), loss_of_one = one.train(batch_).exact.value();
    EXPECT_NEAR(loss, loss_of_one, 1e-5 * loss_of_one);
    expect_reference_gradients(model);
    EXPECT_TRUE(agree("predictions", model.predict(batch_), one.predict(batch_), 1e-6));
  }
}

/// With so many samples layers are gone through in other ways than with a few.
TEST_P(Gradient, ALargerBatchAgreesWithReference) {
  batch_ = make_batch(150);
  for (const int64_t micro_batch : {int64_t{64}, whole}) {  // 64: two whole ones and one of 22
    SCOPED_TRACE(micro_batch);
    DrivenModel model = make_model(micro_batch);
    const LossSum loss = model.train(batch_);
    EXPECT_TRUE(agree("loss", std::vector{loss.exact.value() / 150},
                      std::vector{evaluate(net_, values_, batch_).loss}, 1e-5));
    expect_reference_gradients(model);
  }
}

TEST_P(Gradient, SlicesOfTheBatchAddUp) {
  if (GetParam().batch_norm) GTEST_SKIP() << "its slices meet in a sum over ranks";
  DrivenModel model = make_model(whole);
  double loss = 0;
  for (auto [first, count] : {std::pair<std::size_t, std::size_t>{0, 11}, {11, 0}, {11, 5}})
    loss += model.train(batch_, first, count).exact.value();
  EXPECT_NEAR(loss / 16, evaluate(net_, values_, batch_).loss, 1e-5 * loss / 16);
  expect_reference_gradients(model);
}

/// ReLU must not make a number of it, nor may products skip it.
TEST_P(Gradient, AnEmbeddingThatIsNoNumberShowsInTheLoss) {
  for (const int32_t samples : {16, 150}) {
    batch_ = make_batch(samples);
    DrivenModel model = make_model(whole);
    const std::string table = GetParam().gmf ? "/gmf/user/weight" : "/embedding/user/weight";
    std::vector<double> rows = values_.at(table);
    rows[static_cast<std::size_t>(6 * batch_.users[3] + 2)] = std::nan("");
    model.set(table, rows);
    EXPECT_TRUE(std::isnan(model.train(batch_).plain)) << samples;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, Gradient,
    testing::Values(
        Case{.name = "neural"}, Case{.name = "neural_raw", .range = false},
        Case{.name = "neural_batch_norm", .batch_norm = true},
        Case{.name = "neural_samples", .first_layer = FirstLayer::samples},
        Case{.name = "neural_batch_norm_samples", .batch_norm = true, .first_layer = FirstLayer::samples},
        Case{.name = "neural_wide", .hidden = {9, 70}, .size = 0.3},
        Case{.name = "neural_units_off", .hidden = {40, 24, 9}, .size = 0.3, .off = 4},
        Case{.name = "neural_units_off_samples",
             .first_layer = FirstLayer::samples,
             .hidden = {40, 24, 9},
             .size = 0.3,
             .off = 4},
        Case{.name = "neural_some_units_off_samples",  // so few that all are gone through
             .first_layer = FirstLayer::samples,
             .hidden = {40, 24, 9},
             .size = 0.3,
             .off = 20},
        Case{.name = "neural_all_units_off", .hidden = {20, 9}, .off = 1},
        Case{.name = "neural_one_layer_samples", .first_layer = FirstLayer::samples, .hidden = {20}},
        Case{.name = "neural_one_layer", .hidden = {20}}, Case{.name = "dot", .dot = true},
        Case{.name = "dot_raw", .dot = true, .range = false}, Case{.name = "gmf", .gmf = true},
        Case{.name = "gmf_raw", .range = false, .gmf = true}, Case{.name = "neumf", .gmf_dim = 3},
        Case{.name = "neumf_batch_norm", .batch_norm = true, .gmf_dim = 3},
        Case{.name = "neumf_batch_norm_samples",
             .batch_norm = true,
             .first_layer = FirstLayer::samples,
             .gmf_dim = 16},
        Case{.name = "neumf_units_off", .hidden = {40, 24, 9}, .size = 0.3, .off = 4, .gmf_dim = 20},
        Case{.name = "neumf_units_off_samples",
             .first_layer = FirstLayer::samples,
             .hidden = {40, 24, 9},
             .size = 0.3,
             .off = 4,
             .gmf_dim = 20},
        Case{.name = "neumf_one_layer", .hidden = {20}, .gmf_dim = 3},
        Case{.name = "neumf_no_layer", .hidden = {}, .gmf_dim = 3}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace ncf
