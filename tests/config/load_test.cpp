#include "ncf/config/load.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/usage_error.hpp"

namespace ncf {
namespace {

Config from(const std::string& yaml) {
  return config_from_yaml(yaml, "ml.yaml").config;
}

void expect_bad(const std::string& yaml, std::initializer_list<std::string_view> texts) {
  expect_usage_error([&] { config_from_yaml(yaml, "ml.yaml"); }, texts);
}

Config with(std::vector<Assignment> assignments) {
  return load_config("", assignments).config;
}

void expect_bad_flag(const std::string& key, const std::string& value,
                     std::initializer_list<std::string_view> texts) {
  expect_usage_error([&] { with({{key, value}}); }, texts);
}

/// A file in the test's own directory, removed at the end.
class LoadFile : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& text) {
    std::ofstream(folder_ / "ml.yaml") << text;
    return folder_ / "ml.yaml";
  }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("ncf_load_test_" + std::to_string(std::hash<std::string>{}(std::to_string(::getpid()))));
};

TEST(Load, NothingGivesTheDefaults) {
  EXPECT_EQ(from(""), Config{});
  EXPECT_EQ(from("# only a comment\n"), Config{});
  EXPECT_EQ(from("train:\n  # epochs: 3\n"), Config{});
  EXPECT_EQ(with({}), Config{});
}

TEST(Load, ReadsEverySpecialForm) {
  EXPECT_EQ(from("run: {threads: auto}").run.threads, 0);
  EXPECT_EQ(from("run: {threads: 3}").run.threads, 3);
  EXPECT_EQ(from("model: {embedding_dim: auto}").model.embedding_dim, (EmbeddingDim{0, 0}));
  EXPECT_EQ(from("model: {embedding_dim: 50}").model.embedding_dim, (EmbeddingDim{50, 50}));
  EXPECT_EQ(from("model: {embedding_dim: {user: 74, item: 101}}").model.embedding_dim,
            (EmbeddingDim{74, 101}));
  EXPECT_EQ(from("model: {embedding_dim: {user: 74, item: auto}}").model.embedding_dim,
            (EmbeddingDim{74, 0}));
  EXPECT_EQ(from("model: {embedding_dim: {item: 9}}").model.embedding_dim, (EmbeddingDim{0, 9}));
  EXPECT_EQ(from("model: {y_range: [0, 5.5]}").model.y_range, (std::vector<double>{0, 5.5}));
  EXPECT_EQ(from("model: {y_range: none}").model.y_range, std::nullopt);
  EXPECT_EQ(from("model: {y_range: null}").model.y_range, std::nullopt);
  EXPECT_EQ(from("model: {y_range: }").model.y_range, std::nullopt);
  EXPECT_EQ(from("model: {dropout: 0.1}").model.dropout, (std::vector<double>{0.1}));
  EXPECT_EQ(from("model: {dropout: [0.1, 0.2]}").model.dropout, (std::vector<double>{0.1, 0.2}));
  EXPECT_EQ(from("model: {hidden: []}").model.hidden, (std::vector<int64_t>{}));
  EXPECT_EQ(from("model: {hidden: [7]}").model.hidden, (std::vector<int64_t>{7}));
  EXPECT_EQ(from("data: {format: he-ncf, path: x}").data.format, DataFormat::he_ncf);
  EXPECT_EQ(from("data: {csv: {separator: \"\\t\"}}").data.csv.separator, "\t");
  EXPECT_EQ(from("data: {csv: {header: yes}}").data.csv.header, "yes");
  EXPECT_EQ(from("data: {csv: {user: 4}}").data.csv.user, "4");
  EXPECT_EQ(from("train: {drop_last: yes}").train.drop_last, true);
  EXPECT_EQ(from("train: {lr: 5.0e-3}").train.lr, 5e-3);
  EXPECT_EQ(from("train: {lr: +1}").train.lr, 1);
}

TEST(Load, CommandLineBeatsFileBeatsDefault) {
  const auto loaded = config_from_yaml("train:\n  epochs: 7\n  lr: 0.1\n", "ml.yaml");
  EXPECT_EQ(loaded.config.train.epochs, 7);
  EXPECT_EQ(loaded.config.train.batch_size, 64);
  EXPECT_EQ(loaded.places, (Places{{"train.epochs", "ml.yaml:2"}, {"train.lr", "ml.yaml:3"}}));
}

TEST_F(LoadFile, CommandLineBeatsFileBeatsDefault) {
  const std::string name = file("train:\n  epochs: 7\n  lr: 0.1\n");
  const std::vector<Assignment> flags = {{"train.epochs", "9"}};
  const auto loaded = load_config(name, flags);
  EXPECT_EQ(loaded.config.train.epochs, 9);
  EXPECT_EQ(loaded.config.train.lr, 0.1);
  EXPECT_EQ(loaded.config.train.batch_size, 64);
  EXPECT_EQ(loaded.places, (Places{{"train.epochs", "command line"}, {"train.lr", name + ":3"}}));
}

TEST_F(LoadFile, SaysWhichFileCannotBeReadAndWhy) {
  expect_usage_error([&] { load_config(folder_ / "none.yaml", {}); },
                     {"none.yaml", "No such file or directory"});
  expect_usage_error([&] { load_config(folder_, {}); }, {folder_.string(), "Is a directory"});
}

TEST(Load, UnknownKeysNameThePlaceAndTheNearest) {
  expect_bad("train:\n  lr: 1\n  epoch: 3\n",
             {"ml.yaml:3:", "unknown key train.epoch", "nearest is train.epochs"});
  expect_bad("tran:\n  lr: 1\n", {"ml.yaml:1:", "unknown key tran", "nearest is train"});
  expect_bad("epochs: 3\n", {"unknown key epochs", "nearest is train.epochs"});
  expect_bad("data:\n  csv:\n    usr: 1\n", {"ml.yaml:3:", "data.csv.usr", "nearest is data.csv.user"});
  expect_bad("zzzzzz: 3\n", {"ml.yaml:1:", "unknown key zzzzzz (", "config --reference"});
  expect_bad_flag("train.epohcs", "3", {"command line:", "train.epohcs", "nearest is train.epochs"});
  expect_bad_flag("train", "{epoch: 3}", {"command line:", "train.epoch,", "nearest is train.epochs"});
}

TEST(Load, WrongTypesNameKeyPlaceAndWhatItTakes) {
  expect_bad("train:\n  epochs: many\n", {"ml.yaml:2: train.epochs: 'many' is not an integer", "from 1 to"});
  expect_bad("train: {epochs: 2.5}", {"train.epochs", "'2.5' is not an integer"});
  expect_bad("train: {epochs: 1e3}", {"'1e3' is not an integer"});
  expect_bad("train: {epochs: 0x10}", {"'0x10' is not an integer"});
  expect_bad("train: {epochs: 99999999999999999999}", {"is not an integer"});
  expect_bad("train: {epochs: }", {"nothing is not an integer"});
  expect_bad("train: {epochs: [1, 2]}", {"[1, 2] is not an integer"});
  expect_bad("train: {lr: fast}", {"train.lr", "'fast' is not a number", "above 0"});
  expect_bad("train: {lr: .nan}", {"is not a number"});
  expect_bad("train: {lr: inf}", {"is not a number"});
  expect_bad("train: {lr: 1e999}", {"is not a number"});
  expect_bad("train: {lr: +-1}", {"is not a number"});
  expect_bad("train: {lr: 1 2}", {"is not a number"});
  expect_bad("train: {drop_last: maybe}", {"train.drop_last", "'maybe' is neither", "true or false"});
  expect_bad("data: {path: [a, b]}", {"data.path", "[a, b] is not one text"});
  expect_bad("data: {path: \"a\\0b\"}", {"data.path", "zero byte"});
  expect_bad("model: {hidden: 100}", {"model.hidden", "'100' is not a list", "[100, 50]"});
  expect_bad("model: {hidden: [a]}", {"model.hidden", "'a' is not an integer"});
  expect_bad("model: {y_range: 5}", {"model.y_range", "'5' is not a list", "[low, high]"});
  expect_bad("model: {dropout: {a: 1}}", {"model.dropout", "{a: 1} is not a number"});
  expect_bad("train: 5", {"ml.yaml:1:", "train is a section", "'5'"});
  expect_bad("train: [epochs]", {"train is a section", "[epochs]"});
  expect_bad("- train", {"ml.yaml: it is a section"});
  expect_bad("[a]: 1", {"ml.yaml:1:", "[a] is not a key"});
  expect_bad_flag("train.epochs", "", {"command line: train.epochs: nothing is not an integer"});
}

TEST(Load, ValuesOutOfBoundsNameTheBounds) {
  expect_bad("train:\n  epochs: 0\n",
             {"ml.yaml:2: train.epochs: '0' is out of bounds", "an integer from 1 to"});
  expect_bad("train: {lr: 0}", {"'0' is out of bounds", "a number above 0"});
  expect_bad("train: {lr: -0.0}", {"'-0.0' is out of bounds"});
  expect_bad("train: {beta2: 1}", {"of at least 0 and below 1"});
  expect_bad("data: {valid_fraction: 1}", {"above 0 and below 1"});
  expect_bad("run: {seed: -1}", {"run.seed", "of at least 0"});
  expect_bad("run: {threads: 0}", {"run.threads", "auto, or an integer from 1 to"});
  expect_bad("model: {hidden: [100, 0]}",
             {"model.hidden", "'0' is out of bounds", "each an integer from 1 to"});
  expect_bad("model: {dropout: [0.5, 1]}", {"model.dropout", "'1' is out of bounds", "below 1"});
  expect_bad("model: {dropout: []}", {"model.dropout", "the list is empty"});
  expect_bad("model: {embedding_dim: 0}", {"model.embedding_dim", "'0' is out of bounds", "auto"});
  expect_bad("model: {embedding_dim: {user: 0}}", {"model.embedding_dim: user: '0' is out of bounds"});
  expect_bad("model: {embedding_dim: {users: 1}}", {"'users' is neither user nor item"});
  expect_bad("model: {y_range: [5, 1]}", {"model.y_range", "[5, 1] does not rise", "low below high"});
  expect_bad("model: {y_range: [1, 1]}", {"does not rise"});
  expect_bad("model: {y_range: [0, 1, 2]}", {"is not two numbers"});
  expect_bad("run: {dir: ''}", {"run.dir", "it is empty"});
  expect_bad("data: {csv: {user: }}", {"data.csv.user", "it is empty"});
  expect_bad_flag("train.batch_size", "0", {"command line: train.batch_size: '0'", "an integer from 1 to"});
}

TEST(Load, WordsOutsideTheListNameAllAndTheNearest) {
  expect_bad("train: {optimizer: adam}",
             {"train.optimizer: 'adam'", "nearest is adamw", "it takes adamw or sgd"});
  expect_bad("data: {format: movielens100k}", {"nearest is movielens-100k", "hdf5 or he-ncf"});
  expect_bad("data: {csv: {header: maybe}}", {"data.csv.header: 'maybe'", "auto, yes or no"});
  expect_bad("model: {kind: [dot]}", {"[dot] is none", "neural, dot, gmf or neumf"});
  expect_bad_flag("model.kind", "dto",
                  {"command line: model.kind: 'dto'", "nearest is dot", "neural, dot, gmf or neumf"});
}

TEST(Load, NoKeyMayStandTwice) {
  expect_bad("train:\n  lr: 1\n  lr: 1\n", {"ml.yaml:3: train.lr is given twice", "before at ml.yaml:2"});
  expect_bad("train:\n  lr: 1\ntrain:\n  epochs: 1\n",
             {"ml.yaml:3: train is given twice", "before at ml.yaml:1"});
  expect_bad("model: {embedding_dim: {user: 1, user: 1}}", {"user is given twice"});
  expect_usage_error(
      [] {
        with({{"train.lr", "1"}, {"train.lr", "1"}});
      },
      {"command line: train.lr is given twice"});
  expect_usage_error([] { with({{"train", "{lr: 1}"}, {"train.lr", "1"}}); }, {"train.lr is given twice"});
}

TEST(Load, KeysAreNestedNotDotted) {
  expect_bad("train.epochs: 3\n", {"ml.yaml:1: key train.epochs", "indented below"});
  expect_bad("data: {csv.user: 3}", {"key csv.user"});
}

TEST(Load, BrokenYamlNamesTheLine) {
  expect_bad("train:\n  lr: [1\n", {"ml.yaml:", "not YAML"});
  expect_bad("train:\n\tlr: 1\n", {"ml.yaml:2: not YAML"});
  expect_bad("train: *nowhere\n", {"ml.yaml:1: not YAML"});
  expect_bad("a: 1\n---\nb: 1\n", {"ml.yaml: holds several YAML documents"});
  expect_bad(std::string(100000, '['), {"ml.yaml"});
  expect_bad_flag("model.hidden", "[1", {"command line: model.hidden: '[1' is not YAML"});
}

TEST(Load, FlagsTakeYamlButTextAsItStands) {
  const Config config = with({{"model.hidden", "[8, 4]"},
                              {"model.embedding_dim", "{user: 5, item: auto}"},
                              {"data.synthetic", "{users: 10, items: 20, ratings: 30}"},
                              {"run.dir", "runs/a: b #c"},
                              {"data.csv.time", "[x"}});
  EXPECT_EQ(config.model.hidden, (std::vector<int64_t>{8, 4}));
  EXPECT_EQ(config.model.embedding_dim, (EmbeddingDim{5, 0}));
  EXPECT_EQ(config.data.synthetic, (SyntheticConfig{10, 20, 30}));
  EXPECT_EQ(config.run.dir, "runs/a: b #c");
  EXPECT_EQ(config.data.csv.time, "[x");
}

TEST(Load, LongValuesAreCutInMessages) {
  expect_bad("train: {epochs: " + std::string(59, 'x') + "äöü" + std::string(1000, 'y') + "}",
             {"…' is", "x…"});
}

TEST_F(LoadFile, KeysGoOverAStoredConfiguration) {
  const std::string stored = "data: {path: a.h5, split: given}\nmodel: {hidden: [7]}\ntrain: {lr: 0.5}\n";
  const std::vector<Assignment> keys = {{"run.seed", "3"}};
  const LoadedConfig loaded =
      load_config_over(stored, "model.h5", file("train: {lr: 0.25}\nrun: {seed: 2}\n"), keys);
  EXPECT_EQ(loaded.config.data.path, "a.h5");
  EXPECT_EQ(loaded.config.model.hidden, std::vector<int64_t>{7});
  EXPECT_EQ(loaded.config.train.lr, 0.25);
  EXPECT_EQ(loaded.config.run.seed, 3);
  EXPECT_EQ(loaded.places,
            (Places{{"train.lr", (folder_ / "ml.yaml").string() + ":1"}, {"run.seed", "command line"}}))
      << "what only the checkpoint says has no place";
}

TEST_F(LoadFile, KeysMayBeReadBeforeWhatTheyGoOver) {
  const std::vector<Assignment> keys = {{"data.split", "given"}};
  EXPECT_EQ(read_keys("", keys).config.data.split, SplitKind::given);
  expect_usage_error([&] { load_config("", keys); }, {"data.split (command line): given"});
  const std::vector<Assignment> wrong = {{"data.split", "half"}};
  expect_usage_error([&] { read_keys("", wrong); }, {"data.split", "half"});
  expect_usage_error([&] { load_config_over("data: {path: ''}", "model.h5", "", keys); },
                     {"data.split (command line): given"});
  expect_usage_error([&] { load_config_over("data: {split: given}", "model.h5", "", {}); },
                     {"data.split (model.h5:1): given"});
  expect_usage_error([&] { load_config_over("nonsense: 1", "model.h5", "", {}); },
                     {"model.h5:1: unknown key nonsense"});
}

}  // namespace
}  // namespace ncf
