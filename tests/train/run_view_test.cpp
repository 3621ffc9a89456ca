// What `ncf_dist top` says of files as a run leaves them, also of those that are missing, cut short or old.
#include "ncf/train/run_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "ncf/util/error.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

namespace ncf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* epoch_line =
    R"({"event":"epoch","time":"","epoch":2,"train_loss":0.9076,"valid":{"mse":0.9199,"rmse":0.9591}})";

RunProgress example() {
  RunProgress p;
  p.state = "training";
  p.epoch = 3, p.epochs = 5;
  p.step = 500, p.steps = 1000;
  p.samples_per_s = 123456;
  p.seconds = 75;
  p.left_s = 70;
  p.hosts = {"node1", "node1", "node2"};
  p.ranks = {{.own_s = 0.4, .wall_s = 1, .memory_bytes = 10 << 20},
             {.own_s = 0.4, .wall_s = 1, .memory_bytes = 20 << 20},
             {.own_s = 0.9, .wall_s = 1, .memory_bytes = 30 << 20}};
  return p;
}

class RunViewTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) { testing::write_text(dir_ / name, text); }
  std::string text() const { return to_text(look_at_run(dir_.path())); }
  void age(int seconds) const {
    const std::filesystem::path file = dir_ / "progress.json";
    std::filesystem::last_write_time(
        file, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
  }
  testing::TemporaryDirectory dir_;
};

TEST_F(RunViewTest, ProgressGoesThroughJson) {
  RunProgress p = example();
  p.limit = "the end of the SLURM job";
  p.limit_left_s = 60;
  const auto back = progress_from_json(to_json(p));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), to_json(p));
  EXPECT_FALSE(progress_from_json(to_json(p).substr(0, 100)));
  EXPECT_FALSE(progress_from_json("[1]"));
  EXPECT_FALSE(progress_from_json(""));
}

TEST_F(RunViewTest, Running) {
  write("progress.json", to_json(example()));
  write("metrics.jsonl", std::string(epoch_line) + "\n");
  EXPECT_THAT(text(), AllOf(HasSubstr("  training, epoch 3 of 5\n"), HasSubstr(" 50 %  step 500 of 1000"),
                            HasSubstr("speed     123456 samples/s"),
                            HasSubstr("1:15 since its start, about 1:10 left"),
                            HasSubstr("epoch 2   train loss 0.9076, valid mse 0.9199, valid rmse 0.9591"),
                            HasSubstr("3 on node1 (2 ranks), node2 (1 rank)")));
  EXPECT_THAT(text(),
              AllOf(HasSubstr("rank 2 on node2: 2.2 times the others' time; they wait for it 50 %"),
                    HasSubstr("20.0 MiB a rank, most 30.0 MiB (rank 2 on node2)"),
                    HasSubstr("      2  node2                  90 %     30.0 MiB"), Not(HasSubstr("fit"))));
  const RunView view = look_at_run(dir_.path());
  EXPECT_FALSE(view.ended() || view.stale());
}

TEST_F(RunViewTest, WillNotFit) {
  RunProgress p = example();
  p.limit = "the end of the SLURM job";
  p.limit_left_s = 60;
  write("progress.json", to_json(p));
  EXPECT_THAT(text(), HasSubstr("about 1:10 left; 1:00 until the end of the SLURM job: it will not fit"));
  p.limit_left_s = 80;
  write("progress.json", to_json(p));
  EXPECT_THAT(text(), AllOf(HasSubstr("1:20 until the end"), Not(HasSubstr("fit"))));
}

TEST_F(RunViewTest, StaleAfterAWhileUnlessItSaidThatItEnded) {
  RunProgress p = example();
  write("progress.json", to_json(p));
  age(80);
  EXPECT_FALSE(look_at_run(dir_.path()).stale());
  age(100);
  EXPECT_TRUE(look_at_run(dir_.path()).stale());
  EXPECT_THAT(text(), AllOf(HasSubstr("  stale: nothing heard for 1:40"), Not(HasSubstr("left"))));
  p.state = "signal";
  write("progress.json", to_json(p));
  age(100);
  EXPECT_THAT(text(), HasSubstr("  ended (signal): --resume goes on from there\n"));
  p.state = "failed";
  write("progress.json", to_json(p));
  age(100);
  EXPECT_THAT(text(), HasSubstr("  failed: its log tells why\n"));
}

TEST_F(RunViewTest, MetricsTellTheEndToo) {
  write("progress.json", to_json(example()));
  write("metrics.jsonl", "{\"event\":\"end\",\"reason\":\"finished\"}\n");
  EXPECT_THAT(text(), HasSubstr("  finished\n"));
  // It goes on: what was the end is not any more.
  write("metrics.jsonl", "{\"event\":\"end\",\"reason\":\"signal\"}\n{\"event\":\"start\"}\n{\"event\":\"ep");
  EXPECT_THAT(text(), HasSubstr("  training, epoch 3 of 5\n"));
}

TEST_F(RunViewTest, FilesThatAreMissingOrCutShort) {
  EXPECT_THROW(look_at_run(dir_.path()), Error);
  write("metrics.jsonl", "{\"event\":\"start\"}\n");
  EXPECT_THAT(text(), HasSubstr("  no progress.json"));
  write("progress.json", to_json(example()).substr(0, 200));
  EXPECT_THAT(text(), HasSubstr("  no progress.json"));
  RunProgress p = example();
  p.ranks.clear();  // the first second
  write("progress.json", to_json(p));
  EXPECT_THAT(text(), AllOf(HasSubstr("  ranks     3 on"), Not(HasSubstr("memory"))));
}

TEST_F(RunViewTest, ManyRanks) {
  RunProgress p = example();
  p.hosts.assign(100, "node1");
  p.ranks.assign(100, p.ranks[0]);
  write("progress.json", to_json(p));
  EXPECT_THAT(text(), HasSubstr("  and 84 less busy ones\n"));
}

TEST_F(RunViewTest, AFileThatIsLeftBehindSaysHow) {
  { const ProgressFile file(dir_.path(), example()); }
  EXPECT_EQ(look_at_run(dir_.path()).progress.value().state, "failed");
  ProgressFile file(dir_.path(), example());
  EXPECT_EQ(look_at_run(dir_.path()).progress.value().state, "training");
  file.set_step(801);
  file.end("finished");
  const RunView view = look_at_run(dir_.path());
  EXPECT_EQ(view.progress.value().state, "finished");
  EXPECT_EQ(view.progress.value().step, 801);
  EXPECT_EQ(view.progress.value().epoch, 5);
}

}  // namespace
}  // namespace ncf
