// A hundred steps of training against PyTorch's in double precision (tests/golden/make_golden.py): forward,
// gradients, optimiser, schedule and running statistics together.
#include "golden/golden.hpp"

#include <gtest/gtest.h>

#include "ncf/nn/schedule.hpp"
#include "reference/agreement.hpp"
#include "reference/driven_model.hpp"

namespace ncf {
namespace {

using reference::agree;
using reference::DrivenModel;
using reference::Samples;

constexpr int64_t steps = 100;
constexpr std::size_t batch_size = 16;

ModelConfig config_of(const std::string& name) {
  ModelConfig config;
  config.kind = name == "dot"     ? ModelKind::dot
                : name == "gmf"   ? ModelKind::gmf
                : name == "neumf" ? ModelKind::neumf
                                  : ModelKind::neural;
  config.embedding_dim = {6, config.has_layers() ? 5 : 6};
  config.gmf_dim = 3;
  config.hidden = {8, 4};
  config.y_range = {0.0, 5.5};
  config.batch_norm = name == "neural_batch_norm";
  return config;
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  Golden()
      : expected_(golden::load(GetParam())),
        batches_(golden::load("batches")),
        model_(config_of(GetParam()), 1024) {
    for (const std::string& name : model_.names()) model_.set(name, expected("initial" + name));
  }

  const std::vector<double>& expected(const std::string& name) const { return expected_.at(name).values; }

  /// Batch of a step that counts from 0.
  Samples batch(int64_t step) const {
    Samples samples;
    for (std::size_t i = static_cast<std::size_t>(step) * batch_size; samples.users.size() < batch_size;
         ++i) {
      samples.users.push_back(static_cast<int32_t>(batches_.at("users").values.at(i)));
      samples.items.push_back(static_cast<int32_t>(batches_.at("items").values.at(i)));
      samples.ratings.push_back(static_cast<float>(batches_.at("ratings").values.at(i)));
    }
    return samples;
  }

  /// Mean loss of the step, which counts from 0.
  double train(int64_t step) {
    const Samples samples = batch(step);
    const Schedule schedule{.shape = ScheduleShape::one_cycle, .lr = 5e-3, .total_steps = steps};
    const UpdateRule rule{.kind = RuleKind::adamw, .weight_decay = 0.1, .beta2 = 0.99, .eps = 1e-5};
    model_.clear_gradients();
    const LossSum loss = model_.train(samples);
    model_.step(step_factors(rule, schedule.at(step), step + 1), samples);
    return loss.exact.value() / static_cast<double>(batch_size);
  }

  golden::Tensors expected_, batches_;
  DrivenModel model_;
};

TEST_P(Golden, FileHasJustTheModelsParametersInTheirShapes) {
  std::size_t initial = 0;
  for (const auto& [name, tensor] : expected_) initial += name.starts_with("initial/") ? 1 : 0;
  EXPECT_EQ(initial, model_.names().size());
  const std::string table = GetParam() == "gmf" ? "/gmf" : "/embedding";
  EXPECT_EQ(expected_.at("initial" + table + "/user/weight").shape, (std::vector<int64_t>{23, 6}));
}

TEST_P(Golden, FirstLossAndGradients) {
  const LossSum loss = model_.train(batch(0));
  const double mean = loss.exact.value() / static_cast<double>(batch_size);
  EXPECT_TRUE(agree("loss", std::vector{mean}, expected("loss"), 1e-5));
  EXPECT_NEAR(loss.plain, loss.exact.value(), 1e-9);
  for (const std::string& name : model_.trained_names())
    EXPECT_TRUE(agree("gradient" + name, model_.gradient(name), expected("gradient" + name), 1e-5));
}

TEST_P(Golden, FirstPredictions) {
  if (GetParam() == "neural_batch_norm")
    GTEST_SKIP() << "these are of training mode, which predict() is not in; the loss test covers them";
  EXPECT_TRUE(agree("predictions", model_.predict(batch(0)), expected("predictions"), 1e-5));
}

TEST_P(Golden, ParametersAfterOneTenAndAHundredSteps) {
  double loss = 0;
  for (int64_t step = 0; step < steps; ++step) {
    loss = train(step);
    const int64_t done = step + 1;
    if (done != 1 && done != 10 && done != 100) continue;
    for (const std::string& name : model_.names()) {
      const std::string saved = "step" + std::to_string(done) + name;
      EXPECT_TRUE(agree(saved, model_.values(name), expected(saved), done == 1 ? 1e-5 : 1e-3));
    }
  }
  EXPECT_TRUE(agree("last_loss", std::vector{loss}, expected("last_loss"), 1e-3));
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::Values("neural", "neural_batch_norm", "dot", "gmf", "neumf"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace ncf
