#include "ncf/config/emit.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "ncf/config/load.hpp"

namespace ncf {
namespace {

void expect_round_trip(const Config& config) {
  const std::string yaml = to_yaml(config);
  EXPECT_EQ(config_from_yaml(yaml, "echo").config, config) << yaml;
}

TEST(Emit, DefaultsComeBack) {
  expect_round_trip(Config{});
}

TEST(Emit, HoldsEveryKey) {
  const auto loaded = config_from_yaml(to_yaml(Config{}), "echo");
  Config config;
  const Fields fields(config);
  for (const Field& field : fields.all()) EXPECT_TRUE(loaded.places.contains(field.key)) << field.key;
}

TEST(Emit, SectionsAreNested) {
  const std::string yaml = to_yaml(Config{});
  EXPECT_EQ(yaml.find("run:\n  dir: runs/ncf\n"), 0U);
  EXPECT_NE(yaml.find("\ndata:\n  path: \"\"\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("\n  csv:\n    user: 1\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("\n  synthetic:\n    users: 943\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("\nmodel:\n  kind: neural\n"), std::string::npos) << yaml;
}

TEST(Emit, EverySpecialFormComesBack) {
  Config config;
  config.run.threads = 3;
  config.run.seed = std::numeric_limits<int64_t>::max();
  config.data.path = "x";
  config.data.format = DataFormat::he_ncf;
  config.data.split = SplitKind::given;
  config.data.valid_path = "y";
  config.model.embedding_dim = {74, 0};
  config.model.hidden = {};
  config.model.y_range = {{-0.5, 5.5}};
  config.model.batch_norm = true;
  expect_round_trip(config);
  config.model.embedding_dim = {50, 50};
  config.model.hidden = {1, 2, 3};
  config.model.dropout = {0.1, 0.25, 1.0 / 3};
  expect_round_trip(config);
}

TEST(Emit, AnyTextComesBack) {
  for (const char* text :
       {"",     " ",    "~",   "null", "none", "true", "1",    "-",        "- a",         "a: b",
        "a #b", "#",    "'",   "\"",   "\\",   "\t",   "a\nb", "\r\n",     "\x01\x7f",    "[1",
        "{",    "*a",   "&a",  "!a",   "|",    ">",    "%",    "@",        "`",           "ünï",
        "日本", "a, b", " a ", "...",  "---",  "=",    "<<",   "\xc2\x85", "\xef\xbb\xbf"}) {
    Config config;
    config.data.path = text;
    expect_round_trip(config);
    EXPECT_EQ(config_from_yaml(to_yaml(config), "echo").config.data.path, text);
  }
}

TEST(Emit, AnyDoubleComesBackToTheLastBit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    Config config;
    config.train.lr = std::abs(std::bit_cast<double>(random()));
    if (!std::isfinite(config.train.lr) || config.train.lr == 0) continue;
    config.train.weight_decay = std::generate_canonical<double, 53>(random);
    EXPECT_EQ(config_from_yaml(to_yaml(config), "echo").config, config);
  }
  Config config;
  config.train.lr = std::numeric_limits<double>::denorm_min();
  expect_round_trip(config);
  config.train.lr = std::numeric_limits<double>::max();
  expect_round_trip(config);
}

TEST(Emit, NumbersAreWrittenShort) {
  Config config;
  config.train.lr = 5e-3;
  config.train.eps = 1e-5;
  config.model.y_range = {{0, 5.5}};
  const std::string yaml = to_yaml(config);
  for (const char* line :
       {"  lr: 0.005\n", "  eps: 1e-05\n", "  y_range: [0, 5.5]\n", "  hidden: [100, 50]\n", "  dropout: 0\n",
        "  threads: auto\n", "  timeout_s: 300\n"})
    EXPECT_NE(yaml.find(line), std::string::npos) << line << yaml;
}

}  // namespace
}  // namespace ncf
