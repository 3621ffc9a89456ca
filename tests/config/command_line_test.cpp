#include "ncf/config/command_line.hpp"

#include "config/usage_error.hpp"

namespace ncf {
namespace {

const std::vector<Flag> flags = {{"config", "FILE", ""}, {"help,h", "", ""}, {"output", "FILE.h5", ""}};

CommandLine parse(std::vector<std::string> arguments) {
  return parse_command_line(arguments, flags);
}

void expect_bad(std::vector<std::string> arguments, std::initializer_list<std::string_view> texts) {
  expect_usage_error([&] { parse(arguments); }, texts);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs keys(std::vector<std::string> arguments) {
  Pairs pairs;
  for (const auto& [key, value] : parse(std::move(arguments)).keys) pairs.emplace_back(key, value);
  return pairs;
}

TEST(CommandLine, EveryKeyIsAFlag) {
  Config config;
  for (const std::string& key : Fields(config).keys()) {
    EXPECT_EQ(keys({"--" + key, "v"}), (Pairs{{key, "v"}}));
    EXPECT_EQ(keys({"--" + key + "=v"}), (Pairs{{key, "v"}}));
  }
}

TEST(CommandLine, AFlagMayBeAnotherNameOfAKey) {
  const std::vector<Flag> own = {{"trace", "FILE", "", "run.trace"}};
  const std::vector<std::string> arguments = {"--trace", "a.json", "--run.trace_steps=7"};
  const CommandLine line = parse_command_line(arguments, own);
  EXPECT_TRUE(line.flags.empty());
  ASSERT_EQ(line.keys.size(), 2U);
  EXPECT_EQ(line.keys[0].key, "run.trace");
  EXPECT_EQ(line.keys[0].value, "a.json");
}

TEST(CommandLine, ValuesMayBeAnyText) {
  EXPECT_EQ(keys({"--run.seed", "-1"}), (Pairs{{"run.seed", "-1"}}));
  EXPECT_EQ(keys({"--run.dir", "--x"}), (Pairs{{"run.dir", "--x"}}));
  EXPECT_EQ(keys({"--run.dir=a=b"}), (Pairs{{"run.dir", "a=b"}}));
  EXPECT_EQ(keys({"--data.path", ""}), (Pairs{{"data.path", ""}}));
  EXPECT_EQ(keys({"--model.y_range=[-1, 5]"}), (Pairs{{"model.y_range", "[-1, 5]"}}));
}

TEST(CommandLine, KeysKeepTheirOrder) {
  EXPECT_EQ(keys({"--train.lr", "1", "--help", "--run.seed=2"}),
            (Pairs{{"train.lr", "1"}, {"run.seed", "2"}}));
}

TEST(CommandLine, CommandsHaveFlagsOfTheirOwn) {
  const auto line = parse({"--config", "a.yaml", "-h", "--output=x.h5"});
  EXPECT_EQ(line.flags,
            (std::map<std::string, std::string>{{"config", "a.yaml"}, {"help", ""}, {"output", "x.h5"}}));
  EXPECT_TRUE(line.keys.empty());
}

TEST(CommandLine, UnknownFlagsNameTheNearest) {
  expect_bad({"--train.epoch", "3"},
             {"command line: unknown flag --train.epoch, the nearest is --train.epochs"});
  expect_bad({"--epochs=3"}, {"unknown flag --epochs", "the nearest is --train.epochs"});
  expect_bad({"--confg", "x"}, {"the nearest is --config"});
  expect_bad({"--train.ep", "3"}, {"unknown flag --train.ep"});  // no guessing from a prefix
  expect_bad({"-x"}, {"unknown flag -x"});
  expect_bad({"--qqqqqq"}, {"unknown flag --qqqqqq"});
}

TEST(CommandLine, AMissingValueSaysWhatIsTaken) {
  expect_bad({"--train.epochs"}, {"--train.epochs takes an integer from 1 to", "missing"});
  expect_bad({"--train.epochs", "--train.lr", "1"}, {"--train.epochs takes an integer from 1 to", "missing"});
  expect_bad({"--data.path="}, {"--data.path takes text", "''"});
  expect_bad({"--config"}, {"--config takes FILE", "missing"});
  expect_bad({"--data.csv"}, {"--data.csv takes a map"});
  expect_bad({"--help=yes"}, {"--help takes no value"});
}

TEST(CommandLine, StrayWordsAreErrors) {
  expect_bad({"ml.yaml"}, {"command line: unexpected 'ml.yaml'", "--"});
  expect_bad({"--train.lr", "1", "2"}, {"unexpected '2'"});
  expect_bad({"--", "--train.lr"}, {"unexpected '--train.lr'"});
}

TEST(CommandLine, AFlagStandsOnce) {
  expect_bad({"--config", "a", "--config", "b"}, {"--config is given twice"});
}

TEST(CommandLine, AFlagHidesASectionOfItsName) {
  const std::vector<Flag> own = {{"checkpoint", "PATH", ""}};
  const std::vector<std::string> arguments = {"--checkpoint", "runs/a", "--checkpoint.keep_last", "3"};
  const auto line = parse_command_line(arguments, own);
  EXPECT_EQ(line.flags, (std::map<std::string, std::string>{{"checkpoint", "runs/a"}}));
  ASSERT_EQ(line.keys.size(), 1U);
  EXPECT_EQ(line.keys[0].key, "checkpoint.keep_last");
}

TEST(CommandLine, ACommandMayTakeAnOperandAndNoKeys) {
  const std::vector<Flag> own = {{"json", "", ""}};
  const Takes takes{.keys = false, .operand = "PATH"};
  const auto parse_operand = [&](std::vector<std::string> arguments) {
    return parse_command_line(arguments, own, takes);
  };
  EXPECT_EQ(parse_operand({"a.h5", "--json"}).operand, "a.h5");
  EXPECT_EQ(parse_operand({"--json", "a.h5"}).operand, "a.h5");
  EXPECT_EQ(parse_operand({"--", "--json"}).operand, "--json");
  EXPECT_EQ(parse_operand({}).operand, "");
  expect_usage_error([&] { parse_operand({"a", "b"}); }, {"unexpected 'b'", "one PATH, which is 'a'"});
  expect_usage_error([&] { parse_operand({"a", "--train.lr", "1"}); }, {"unknown flag --train.lr"});
}

}  // namespace
}  // namespace ncf
