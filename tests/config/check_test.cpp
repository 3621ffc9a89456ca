#include "ncf/config/check.hpp"

#include "config/usage_error.hpp"
#include "ncf/config/emit.hpp"

namespace ncf {
namespace {

void expect_bad(const std::string& yaml, std::initializer_list<std::string_view> texts) {
  expect_usage_error([&] { config_from_yaml(yaml, "ml.yaml"); }, texts);
}

std::vector<std::string> idle(const std::string& yaml) {
  const auto loaded = config_from_yaml(yaml, "ml.yaml");
  return idle_keys(loaded.config, loaded.places);
}

using Sentences = std::vector<std::string>;

TEST(Check, DropoutIsOneForAllOrOneALayer) {
  expect_bad("model:\n  hidden: [8, 4]\n  dropout: [0.1, 0.2, 0.3]\n",
             {"model.dropout (ml.yaml:3): 3 values for the 2 layers of model.hidden"});
  EXPECT_NO_THROW(config_from_yaml("model: {hidden: [8, 4], dropout: [0.1, 0.2]}", ""));
  EXPECT_NO_THROW(config_from_yaml("model: {hidden: [], dropout: 0.1}", ""));
}

TEST(Check, DotHasOneWidth) {
  expect_bad("model:\n  kind: dot\n  embedding_dim: {user: 5, item: 6}\n",
             {"model.embedding_dim (ml.yaml:3): model.kind dot takes one width for both, not 5 and 6"});
  EXPECT_NO_THROW(config_from_yaml("model: {kind: dot, embedding_dim: {user: 5, item: auto}}", ""));
  EXPECT_NO_THROW(config_from_yaml("model: {embedding_dim: {user: 5, item: 6}}", ""));
}

TEST(Check, SoHasGmfButNotTheLayersOfNeumf) {
  expect_bad("model:\n  kind: gmf\n  embedding_dim: {user: 5, item: 6}\n",
             {"model.embedding_dim (ml.yaml:3): model.kind gmf takes one width for both, not 5 and 6"});
  EXPECT_NO_THROW(
      config_from_yaml("model: {kind: neumf, embedding_dim: {user: 5, item: 6}, gmf_dim: 4}", ""));
  expect_bad("model: {kind: neumf, gmf_dim: 0}", {"ml.yaml:1: model.gmf_dim: '0' is out of bounds"});
}

TEST(Check, WordsForAModelTellItsLayers) {
  const auto words = [](const char* yaml) { return words_for(config_from_yaml(yaml, "").config.model); };
  EXPECT_EQ(words("model: {hidden: [8, 4]}"), "neural [8, 4]");
  EXPECT_EQ(words("model: {kind: neumf, hidden: []}"), "neumf []");
  EXPECT_EQ(words("model: {kind: gmf}"), "gmf");
  EXPECT_EQ(words("model: {kind: dot}"), "dot product with biases");
}

TEST(Check, BatchNormNeedsTwoSamples) {
  expect_bad("model: {batch_norm: true}\ntrain: {batch_size: 1}\n",
             {"train.batch_size (ml.yaml:2)", "at least 2"});
}

TEST(Check, FixedBitsAreNotRoundedOnTheWire) {
  expect_bad("train: {reproducible: ranks}\ncomm:\n  wire: bf16\n",
             {"comm.wire (ml.yaml:3)", "train.reproducible: ranks takes comm.wire: fp32"});
  EXPECT_NO_THROW(config_from_yaml("comm: {wire: bf16}", ""));
  EXPECT_NO_THROW(config_from_yaml("train: {reproducible: ranks}\ncomm: {wire: fp32}", ""));
}

TEST(Check, StopBeforeIsATime) {
  expect_bad("run:\n  stop_before: 90\n", {"run.stop_before (ml.yaml:2): '90' is not a time", "HH:MM:SS"});
  expect_bad("run: {stop_before: '00:00:00'}", {"run.stop_before (ml.yaml:1)"});
  EXPECT_NO_THROW(config_from_yaml("run: {stop_before: '03:55:00'}", ""));
  EXPECT_NO_THROW(config_from_yaml("run: {stop_before: ''}", ""));
}

TEST(Check, ValidPathBelongsToTheGivenSplit) {
  expect_bad("data:\n  path: a\n  valid_path: b\n",
             {"data.valid_path (ml.yaml:3): needs data.split given, not random"});
  EXPECT_NO_THROW(config_from_yaml("data: {path: a, split: given, valid_path: b}", ""));
  EXPECT_NO_THROW(config_from_yaml("data: {path: a, split: given}", ""));
}

TEST(Check, SyntheticRatingsHaveNoGivenSplit) {
  expect_bad("data: {split: given}", {"data.split (ml.yaml:1): given, but synthetic ratings"});
  expect_bad("data: {split: given, valid_path: b}", {"data.split (ml.yaml:1): given, but synthetic ratings"});
}

TEST(Check, SyntheticRatingsAreAtMostUsersTimesItems) {
  expect_bad("data: {synthetic: {users: 3, items: 4, ratings: 13}}",
             {"data.synthetic.ratings (ml.yaml:1): 13 are more than users × items, 3 × 4"});
  expect_bad("data: {synthetic: {users: 3}}", {"data.synthetic.ratings (default): 100000 are more"});
  EXPECT_NO_THROW(config_from_yaml("data: {synthetic: {users: 3, items: 4, ratings: 12}}", ""));
  EXPECT_NO_THROW(config_from_yaml("data: {synthetic: {users: 2000000000, items: 2000000000}}", ""));
  EXPECT_NO_THROW(config_from_yaml("data: {path: a, synthetic: {users: 3}}", ""));
}

TEST(Check, CsvColumnsDiffer) {
  expect_bad("data: {path: a, csv: {user: 2}}", {"data.csv", "a column twice: user 2, item 2, rating 3"});
  expect_bad("data: {path: a, csv: {time: 1}}", {"time 1"});
}

TEST(IdleKeys, NothingIsIdleByDefault) {
  EXPECT_EQ(idle(""), Sentences{});
  EXPECT_EQ(idle(to_yaml(Config{})), Sentences{});
}

TEST(IdleKeys, NameKeyPlaceAndReason) {
  EXPECT_EQ(idle("train:\n  warmup: 0.1\n"),
            Sentences{"train.warmup (ml.yaml:2) has no effect: train.schedule is one_cycle"});
}

TEST(IdleKeys, DependOnTheOtherKeys) {
  EXPECT_EQ(idle("model: {kind: gmf, gmf_dim: 8}"),
            Sentences{"model.gmf_dim (ml.yaml:1) has no effect: model.kind is gmf"});
  EXPECT_EQ(idle("model: {kind: neumf, gmf_dim: 8, hidden: [8, 4]}"), Sentences{});
  EXPECT_EQ(idle("train: {schedule: cosine, warmup: 0.1, momentum: 0.8}"), Sentences{});
  EXPECT_EQ(idle("train: {momentum: 0.8}").size(), 1U);
  EXPECT_EQ(idle("train: {schedule: cosine, lr_step_epochs: 3, lr_step_factor: 0.5}").size(), 2U);
  EXPECT_EQ(idle("train: {schedule: step, lr_step_epochs: 3, lr_step_factor: 0.5}"), Sentences{});
  EXPECT_EQ(idle("train: {optimizer: sgd, beta2: 0.9, eps: 1e-8}").size(), 2U);
  EXPECT_EQ(
      idle("model: {kind: dot, hidden: [3], batch_norm: true, dropout: 0.1, embedding_dropout: 0.1}").size(),
      4U);
  EXPECT_EQ(idle("data: {path: a, synthetic: {users: 3, items: 4}}").size(), 2U);
  EXPECT_EQ(idle("data: {format: csv, duplicates: mean, csv: {user: 4}}").size(), 3U);
  EXPECT_EQ(idle("data: {split: leave_one_out, valid_fraction: 0.1}").size(), 1U);
}

}  // namespace
}  // namespace ncf
