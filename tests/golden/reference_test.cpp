// The reference in double precision against PyTorch in double precision: two programs that share no line. And
// PyTorch in single precision against both, which tells how far rounding alone may lead a float
// implementation.
#include <gtest/gtest.h>

#include "golden/golden.hpp"
#include "reference/agreement.hpp"
#include "reference/training.hpp"

namespace ncf::reference {
namespace {

constexpr double precise = 1e-9;

class GoldenReference : public testing::TestWithParam<std::string> {
 protected:
  Network network() const {
    if (GetParam() == "gmf") return {false, false, 0, 0, {}, std::pair{0.0, 5.5}, 6};
    if (GetParam() == "neumf") return {false, false, 6, 5, {8, 4}, std::pair{0.0, 5.5}, 3};
    if (GetParam() == "dot") return {true, false, 6, 6, {}, std::pair{0.0, 5.5}};
    return {false, GetParam() == "neural_batch_norm", 6, 5, {8, 4}, std::pair{0.0, 5.5}};
  }

  Values initial() const {
    Values values;
    for (const auto& [name, tensor] : golden_.part("initial")) values[name] = tensor.values;
    return values;
  }

  Training training() const {
    std::vector<Rates> rates;
    for (std::size_t step = 0; step < golden_.lr.size(); ++step)
      rates.push_back({golden_.lr[step], golden_.beta1[step]});
    return {network(), initial(), {.weight_decay = 0.1, .beta2 = 0.99, .eps = 1e-5}, rates, /*lazy=*/false};
  }

  const Vector& expected(const std::string& name) const { return golden_.tensors.at(name).values; }

  /// Every tensor of that part of the file, and no other.
  void expect_part(const std::string& prefix, const Values& actual, double tolerance) const {
    const golden::Tensors part = golden_.part(prefix);
    EXPECT_EQ(part.size(), actual.size());
    for (const auto& [name, tensor] : part)
      EXPECT_TRUE(agree(prefix + name, actual.at(name), tensor.values, tolerance));
  }

  const golden::Case golden_ = golden::load_case(GetParam());
};

TEST_P(GoldenReference, FirstStep) {
  const Result first = evaluate(network(), initial(), golden_.batches.at(0));
  EXPECT_TRUE(agree("predictions", first.predictions, expected("predictions"), precise));
  EXPECT_TRUE(agree("loss", Vector{first.loss}, expected("loss"), precise));
  expect_part("gradient", first.gradients, precise);
}

TEST_P(GoldenReference, AHundredStepsOfTraining) {
  Training run = training();
  double loss = 0;
  for (std::size_t step = 1; step <= golden_.batches.size(); ++step) {
    loss = run.step(golden_.batches[step - 1]).loss;
    if (step == 1 || step == 10 || step == 100)
      expect_part("step" + std::to_string(step), run.values(), precise);
  }
  ASSERT_EQ(golden_.batches.size(), 100U);
  EXPECT_TRUE(agree("last_loss", Vector{loss}, expected("last_loss"), precise));
  EXPECT_TRUE(agree("evaluation", predict(network(), run.values(), golden_.batches.at(0)),
                    expected("evaluation_predictions"), precise));
}

TEST_P(GoldenReference, SinglePrecisionStaysWithinWhatFloatTestsAllow) {
  EXPECT_TRUE(agree("loss", expected("float32/loss"), expected("loss"), 1e-5));
  for (const auto& [prefix, tolerance] : {std::pair<std::string, double>{"gradient", 1e-5},
                                          {"step1", 1e-5},
                                          {"step10", 1e-3},
                                          {"step100", 1e-3}}) {
    Values single;
    for (const auto& [name, tensor] : golden_.part("float32/" + prefix)) single[name] = tensor.values;
    expect_part(prefix, single, tolerance);
  }
}

TEST_P(GoldenReference, RatesAreOneCycle) {
  const std::vector<Rates> rates = one_cycle(5, golden_.lr.size() / 5, 5e-3);
  ASSERT_EQ(rates.size(), golden_.lr.size());
  for (std::size_t step = 0; step < rates.size(); ++step) {
    EXPECT_NEAR(golden_.lr[step], rates[step].lr, 1e-15);
    EXPECT_NEAR(golden_.beta1[step], rates[step].momentum, 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenReference,
                         testing::Values("neural", "neural_batch_norm", "dot", "gmf", "neumf"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace ncf::reference
