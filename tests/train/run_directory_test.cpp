#include "ncf/train/run_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "ncf/config/emit.hpp"
#include "ncf/io/durable.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class RunDirectory : public ::testing::Test {
 protected:
  RunDirectory() { config_.run.dir = run_; }

  testing::TemporaryDirectory dir_;
  const std::string run_ = dir_ / "deep/run";
  Config config_;

  void write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(run_ + "/" + name).parent_path());
    testing::write_bytes(run_ + "/" + name, text);
  }
  std::string text(const std::string& name) const { return read_file(run_ + "/" + name, ErrorKind::usage); }
  Names names(const std::string& below = "") const {
    Names out;
    for (const auto& entry : fs::directory_iterator(run_ + below)) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }
  void make_run(const std::string& mark) {
    write("config.yaml", "config " + mark);
    write("metrics.jsonl", "metrics " + mark);
    write("checkpoints/step-000000007/manifest.json", mark);
  }
  std::string continued(const std::string& metrics, int64_t epochs_done) {
    write("metrics.jsonl", metrics);
    continue_run_directory(config_, epochs_done);
    EXPECT_EQ(names(), (Names{"config.yaml", "metrics.jsonl"}));
    return text("metrics.jsonl");
  }
};

TEST_F(RunDirectory, AFreshOneGetsTheConfiguration) {
  EXPECT_EQ(begin_run_directory(config_), "");
  EXPECT_EQ(names(), Names{"config.yaml"});
  EXPECT_EQ(text("config.yaml"), to_yaml(config_));
}

TEST_F(RunDirectory, AnEarlierRunIsMovedAsideWhole) {
  const Names marks = {"one", "two", "three"};
  for (std::size_t k = 0; k < marks.size(); ++k) {
    const std::string mark = marks[k], number = std::to_string(k + 1);
    make_run(mark);
    write("notes.txt", "mine");
    EXPECT_EQ(begin_run_directory(config_), run_ + "/earlier-" + number);
    EXPECT_EQ(names("/earlier-" + number), (Names{"checkpoints", "config.yaml", "metrics.jsonl"}));
    EXPECT_EQ(text("earlier-" + number + "/config.yaml"), "config " + mark);
    EXPECT_EQ(text("earlier-" + number + "/metrics.jsonl"), "metrics " + mark);
    EXPECT_EQ(text("earlier-" + number + "/checkpoints/step-000000007/manifest.json"), mark);
    EXPECT_EQ(text("config.yaml"), to_yaml(config_));
  }
  EXPECT_EQ(names(), (Names{"config.yaml", "earlier-1", "earlier-2", "earlier-3", "notes.txt"}));
  EXPECT_EQ(text("earlier-1/config.yaml"), "config one") << "later ones leave it alone";
}

TEST_F(RunDirectory, ANumberThatIsTakenIsPassedOver) {
  make_run("x");
  write("earlier-1", "a file of somebody");
  EXPECT_EQ(begin_run_directory(config_), run_ + "/earlier-2");
  EXPECT_EQ(text("earlier-1"), "a file of somebody");
}

TEST_F(RunDirectory, ARunWithoutCheckpointsIsNotKept) {
  make_run("x");
  fs::remove_all(run_ + "/checkpoints/step-000000007");
  write("checkpoints/step-000000007.partial/shard", "half");
  EXPECT_EQ(begin_run_directory(config_), "");
  EXPECT_EQ(names(), (Names{"checkpoints", "config.yaml"}));
}

TEST_F(RunDirectory, ADirectoryThatCannotBeMadeIsNamed) {
  testing::write_bytes(dir_ / "file", "");
  config_.run.dir = dir_ / "file/run";
  EXPECT_TRUE(testing::thrown_by<Error>([&] { begin_run_directory(config_); }).starts_with("2: run.dir: "));
  EXPECT_TRUE(
      testing::thrown_by<Error>([&] { continue_run_directory(config_, 0); }).starts_with("2: run.dir: "));
}

const std::string start = R"({"event":"start","ranks":2})"
                          "\n",
                  first = R"({"event":"epoch","epoch":1})"
                          "\n",
                  second = R"({"event":"epoch","epoch":2})"
                           "\n",
                  saved = R"({"event":"checkpoint","step":9})"
                          "\n",
                  third = R"({"event":"epoch","epoch":3})"
                          "\n",
                  end = R"({"event":"end"})"
                        "\n";

TEST_F(RunDirectory, EpochsThatComeAgainAreTakenOut) {
  const std::string all = start + first + saved + second + saved + third + end;
  EXPECT_EQ(continued(all, 0), start + saved + saved + end);
  EXPECT_EQ(continued(all, 1), start + first + saved + saved + end);
  EXPECT_EQ(continued(all, 2), start + first + saved + second + saved + end);
  EXPECT_EQ(continued(all, 3), all);
}

TEST_F(RunDirectory, ALineCutShortGoesWhereverItWasCut) {
  for (std::size_t n = 1; n < first.size() - 1; ++n)
    EXPECT_EQ(continued(start + first.substr(0, n), 5), start) << n << " characters";
  EXPECT_EQ(continued(start + first.substr(0, first.size() - 1), 5), start + first)
      << "only the line's end is missing";
  EXPECT_EQ(continued("", 5), "");
}

TEST_F(RunDirectory, WithoutMetricsThereIsOnlyTheConfiguration) {
  write("config.yaml", "old");
  continue_run_directory(config_, 3);
  EXPECT_EQ(names(), Names{"config.yaml"});
  EXPECT_EQ(text("config.yaml"), to_yaml(config_));
}

}  // namespace
}  // namespace ncf
