// Saving beside training: what is saved is what was there at start(), and a save that fails hurts nothing.
#include "ncf/checkpoint/background_save.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "checkpoint/example.hpp"
#include "ncf/checkpoint/read.hpp"
#include "ncf/io/durable.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using testing::Example;
using ::testing::HasSubstr;
using Names = std::vector<std::string>;

class BackgroundSaveTest : public ::testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};
  const std::string checkpoints_ = dir_ / "run/checkpoints";
  Example example_{comm_.rank(), comm_.size()};
  BackgroundSave save_{checkpoints_, {.last = 2, .best = 1, .metric = "mse"}};

  /// Starts a save, then lets training change everything.
  std::optional<SaveOutcome> start(int64_t step) {
    Example training(comm_.rank(), comm_.size());
    auto outcome = save_.start(comm_, training.snapshot(step));
    for (const TableView& t : training.tables()) {
      for (const MatrixView& m : {t.weight, t.first_moment, t.second_moment})
        for (int64_t r = 0; r < m.rows; ++r) std::fill_n(m.row(r), m.cols, -1.0F);
      if (t.last_step) std::ranges::fill(*t.last_step, -1);
    }
    for (const DenseView& d : training.dense()) std::ranges::fill(d.value, -1.0F);
    return outcome;
  }
  uint64_t united() {
    uint64_t all = 0;
    for (const uint64_t n : comm_.all_gather(save_.notes())) all |= n;
    return all;
  }
  /// As many steps of training as this turn takes.
  std::optional<SaveOutcome> turn() {
    uint64_t notes = united();
    for (; notes != 0; notes = united()) {
      EXPECT_FALSE(save_.advance(comm_, notes).has_value());
      EXPECT_TRUE(save_.under_way());
    }
    return save_.advance(comm_, notes);
  }
  void expect_saved(const std::optional<SaveOutcome>& outcome, int64_t step) {
    ASSERT_TRUE(outcome.has_value());
    EXPECT_EQ(outcome->problem, "");
    EXPECT_EQ(outcome->complaint, "");
    EXPECT_EQ(outcome->step, step);
    EXPECT_EQ(outcome->written.path, checkpoints_ + "/" + checkpoint_name(step));
    EXPECT_FALSE(save_.under_way());
    expect_intact(step, outcome->written.bytes);
  }
  void expect_intact(int64_t step, int64_t bytes = -1) {
    const std::string path = checkpoints_ + "/" + checkpoint_name(step);
    const Manifest manifest = open_checkpoint(comm_, path);
    EXPECT_EQ(manifest.progress.step, step);
    if (bytes >= 0) {
      EXPECT_EQ(manifest.bytes(), bytes);
    }
    Example back(comm_.rank(), comm_.size(), false);
    read_checkpoint(comm_, path, manifest, {}, back.tables(), back.dense());
    back.expect_right();
  }
  /// Names in the directory of checkpoints; no rank goes on before all have looked.
  Names names() {
    comm_.barrier();
    Names out;
    for (const auto& entry : fs::directory_iterator(checkpoints_)) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    comm_.barrier();
    return out;
  }
};

TEST_F(BackgroundSaveTest, TurnsByNotes) {
  EXPECT_FALSE(save_.under_way());
  EXPECT_EQ(save_.notes(), 0U);
  EXPECT_FALSE(save_.advance(comm_, 0).has_value()) << "nothing is under way";
  for (const int64_t step : {1, 2, 3}) {
    EXPECT_FALSE(start(step).has_value());
    EXPECT_TRUE(save_.under_way());
    EXPECT_FALSE(turn().has_value()) << "all have written, rank 0 commits";
    EXPECT_TRUE(save_.under_way());
    expect_saved(turn(), step);
  }
  EXPECT_EQ(names(), (Names{"latest", "step-000000002", "step-000000003"})) << "keep_last 2";
  EXPECT_GT(save_.memory_bytes(), 0);
}

TEST_F(BackgroundSaveTest, TheLastOneIsWrittenWithoutACopy) {
  EXPECT_FALSE(save_.start(comm_, example_.snapshot(1), true).has_value());
  expect_saved(save_.finish(comm_), 1);
  EXPECT_EQ(save_.memory_bytes(), 0);
}

TEST_F(BackgroundSaveTest, NothingIsCommittedWhileARankStillWrites) {
  start(1);
  for (int k = 0; k < 3; ++k) EXPECT_FALSE(save_.advance(comm_, 1).has_value());
  EXPECT_THAT(names(), ::testing::Contains("step-000000001.partial"));
  EXPECT_FALSE(save_.advance(comm_, 2 | 4).has_value()) << "other bits are not ours; this commits";
  expect_saved(turn(), 1);
}

TEST_F(BackgroundSaveTest, FinishTakesAllTurnsThatAreLeft) {
  EXPECT_FALSE(save_.finish(comm_).has_value());
  start(1);
  expect_saved(save_.finish(comm_), 1);
  start(2);
  EXPECT_FALSE(turn().has_value());
  expect_saved(save_.finish(comm_), 2);
  EXPECT_FALSE(save_.finish(comm_).has_value());
}

TEST_F(BackgroundSaveTest, OnlyOneAtATime) {
  start(1);
  try {
    start(2);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::internal);
  }
  expect_saved(save_.finish(comm_), 1);
  EXPECT_EQ(names(), (Names{"latest", "step-000000001"}));
}

/// The disk of one rank is full.
TEST_F(BackgroundSaveTest, AFailureOnOneRankIsKnownToAllAndHurtsNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  start(1);
  expect_saved(save_.finish(comm_), 1);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  for (int victim = 0; victim < comm_.size(); ++victim)
    for (const bool by_notes : {true, false}) {
      const rlimit small{2000, old.rlim_max};
      if (comm_.rank() == victim) setrlimit(RLIMIT_FSIZE, &small);
      EXPECT_FALSE(start(2).has_value());
      const auto outcome = by_notes ? turn() : save_.finish(comm_);
      setrlimit(RLIMIT_FSIZE, &old);
      ASSERT_TRUE(outcome.has_value());
      EXPECT_EQ(outcome->step, 2);
      EXPECT_THAT(outcome->problem, HasSubstr("step-000000002.partial/"));
      EXPECT_THAT(outcome->problem, HasSubstr("File too large"));
      if (comm_.size() > 1) {
        EXPECT_THAT(outcome->problem, HasSubstr("(on rank " + std::to_string(victim) + ")"));
      }
      EXPECT_FALSE(save_.under_way());
      EXPECT_EQ(save_.notes(), 0U);
      EXPECT_EQ(names(), (Names{"latest", "step-000000001"}));
    }
  expect_intact(1);
  start(2);
  expect_saved(save_.finish(comm_), 2);
}

TEST_F(BackgroundSaveTest, APieceThatIsLostBeforeTheCommitIsNoticed) {
  start(1);
  expect_saved(save_.finish(comm_), 1);
  start(2);
  while (united() != 0) std::this_thread::yield();
  if (comm_.is_root())
    fs::remove(checkpoints_ + "/step-000000002.partial/" + shard_name(comm_.size() - 1, comm_.size()));
  const auto outcome = save_.finish(comm_);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_THAT(outcome->problem, HasSubstr("shard-"));
  EXPECT_EQ(names(), (Names{"latest", "step-000000001"}));
  expect_intact(1);
  start(3);
  expect_saved(save_.finish(comm_), 3);
}

TEST_F(BackgroundSaveTest, APlaceThatCannotBeWrittenIsKnownAtOnce) {
  if (comm_.is_root()) {
    make_directories(dir_ / "run", ErrorKind::checkpoint);
    write_file(checkpoints_, "a file", ErrorKind::checkpoint);
  }
  comm_.barrier();
  const auto outcome = start(1);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_THAT(outcome->problem, HasSubstr("cannot make directory " + checkpoints_));
  EXPECT_FALSE(save_.under_way());
  EXPECT_EQ(save_.notes(), 0U);
  comm_.barrier();
  if (comm_.is_root()) fs::remove(checkpoints_);
  comm_.barrier();
  EXPECT_FALSE(start(2).has_value());
  expect_saved(save_.finish(comm_), 2);
}

TEST_F(BackgroundSaveTest, ACheckpointIsSavedEvenIfOldOnesCannotBePruned) {
  if (comm_.is_root()) make_directories(checkpoints_ + "/best/full", ErrorKind::checkpoint);
  comm_.barrier();
  Snapshot s = example_.snapshot(1);
  s.extra["mse"] = 0.5;
  save_.start(comm_, s);
  const auto outcome = save_.finish(comm_);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->problem, "");
  EXPECT_THAT(outcome->complaint, HasSubstr("/best")) << "known to every rank";
  expect_intact(1);
}

TEST_F(BackgroundSaveTest, OneThatGoesWhileASaveIsUnderWayWaitsForItsThread) {
  {
    BackgroundSave brief(checkpoints_, {});
    brief.start(comm_, example_.snapshot(1));
  }
  EXPECT_EQ(names(), Names{"step-000000001.partial"});
  start(1);
  expect_saved(save_.finish(comm_), 1);
  EXPECT_EQ(names(), (Names{"latest", "step-000000001"}));
}

}  // namespace
}  // namespace ncf
