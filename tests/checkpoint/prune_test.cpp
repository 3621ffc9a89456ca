#include "ncf/checkpoint/prune.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/checkpoint/manifest.hpp"
#include "ncf/io/durable.hpp"
#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;
using Steps = std::vector<int64_t>;

class Prune : public ::testing::Test {
 protected:
  testing::TemporaryDirectory dir_;

  std::string path(int64_t step) const { return dir_ / checkpoint_name(step); }
  /// A checkpoint with this metric; it has a manifest and no more, pruning looks at nothing else.
  void make(int64_t step, std::optional<double> mse = {}) {
    Manifest manifest;
    manifest.progress.step = step;
    manifest.ranks = 1;
    manifest.program_version = "0.1.0";
    if (mse) manifest.extra["mse"] = *mse;
    make_directories(path(step), kind);
    write_file(path(step) + "/" + manifest_name, manifest_text(manifest), kind);
  }
  void prune(int64_t newest, int64_t last, int64_t best, const std::string& metric = "mse") {
    prune_checkpoints(dir_.path(), newest, {.last = last, .best = best, .metric = metric});
  }
  Steps steps() const {
    Steps out;
    for (const auto& entry : fs::directory_iterator(dir_.path()))
      if (const auto step = checkpoint_step(entry.path().filename())) out.push_back(*step);
    std::ranges::sort(out);
    return out;
  }
  std::string best() const {
    return fs::is_symlink(dir_ / "best") ? fs::read_symlink(dir_ / "best").string() : "none";
  }
};

TEST_F(Prune, TheNewestAndTheBestStay) {
  const std::vector<double> mse = {0, 5, 3, 4, 2, 6, 7};  // of steps 1 to 6
  const struct {
    int64_t last, best;
    Steps stay;
  } cases[] = {{1, 0, {6}},
               {2, 0, {5, 6}},
               {1, 1, {4, 6}},
               {2, 1, {4, 5, 6}},
               {1, 2, {2, 4, 6}},
               {3, 2, {2, 4, 5, 6}},
               {1, 3, {2, 3, 4, 6}},
               {9, 0, {1, 2, 3, 4, 5, 6}},
               {1, 9, {1, 2, 3, 4, 5, 6}}};
  for (const auto& c : cases) {
    for (int64_t step = 1; step <= 6; ++step) make(step, mse[static_cast<std::size_t>(step)]);
    prune(6, c.last, c.best);
    EXPECT_EQ(steps(), c.stay) << "keep_last " << c.last << ", keep_best " << c.best;
    EXPECT_EQ(best(), c.best > 0 ? checkpoint_name(4) : "none");
  }
}

TEST_F(Prune, OfEqualsTheEarlierOneIsTheBest) {
  for (int64_t step = 1; step <= 5; ++step) make(step, step == 1 ? 2.0 : 1.0);
  prune(5, 1, 1);
  EXPECT_EQ(steps(), (Steps{2, 5}));
  EXPECT_EQ(best(), checkpoint_name(2));
}

TEST_F(Prune, WithoutAMetricNoneIsTheBest) {
  for (int64_t step = 1; step <= 4; ++step) make(step);
  make(2, NAN);
  prune(4, 1, 1);
  EXPECT_EQ(steps(), Steps{4});
  EXPECT_EQ(best(), "none");
  make(5, 0.5);
  make(6);
  make(7);
  prune(7, 1, 2);
  EXPECT_EQ(steps(), (Steps{5, 7}));
  EXPECT_EQ(best(), checkpoint_name(5));
  make(8, 0.1);
  prune(8, 1, 1, "another");
  EXPECT_EQ(steps(), Steps{8});
}

TEST_F(Prune, TheLinkMovesToABetterOne) {
  make(1, 2.0);
  prune(1, 1, 1);
  EXPECT_EQ(best(), checkpoint_name(1));
  make(2, 3.0);
  prune(2, 1, 1);
  EXPECT_EQ(best(), checkpoint_name(1));
  make(3, 1.0);
  prune(3, 1, 1);
  EXPECT_EQ(best(), checkpoint_name(3));
  EXPECT_EQ(steps(), Steps{3});
}

TEST_F(Prune, KeepingNoBestLeavesNoLink) {
  make(1, 1.0);
  make(2, 2.0);
  prune(2, 1, 1);
  ASSERT_EQ(best(), checkpoint_name(1));
  prune(2, 1, 0);
  EXPECT_EQ(steps(), Steps{2});
  EXPECT_EQ(best(), "none") << "it leads nowhere";
}

TEST_F(Prune, WhatCannotBeReadIsLeftAlone) {
  for (int64_t step = 1; step <= 5; ++step) make(step);
  write_file(path(2) + "/" + manifest_name, "{", kind);
  fs::remove(path(3) + "/" + manifest_name);
  write_file(path(3) + "/model.h5", "?", kind);
  prune(5, 1, 0);
  EXPECT_EQ(steps(), (Steps{2, 3, 5}));
  EXPECT_TRUE(fs::exists(path(3) + "/model.h5"));
}

TEST_F(Prune, AnUnreadableOneDoesNotCountAsOneOfTheLast) {
  for (int64_t step = 1; step <= 4; ++step) make(step);
  write_file(path(3) + "/" + manifest_name, "{", kind);
  prune(4, 2, 0);
  EXPECT_EQ(steps(), (Steps{2, 3, 4}));
}

TEST_F(Prune, WhatIsNewerIsLeftAloneAndDoesNotCount) {
  for (int64_t step = 1; step <= 6; ++step) make(step, 10.0 - static_cast<double>(step));
  prune(4, 2, 1);
  EXPECT_EQ(steps(), (Steps{3, 4, 5, 6}));
  EXPECT_EQ(best(), checkpoint_name(4));
}

TEST_F(Prune, LeftoversGoAndNothingElse) {
  make(1);
  make(2);
  for (const char* name : {"step-000000001.partial", "step-000000009.partial", "step-000000001.removed"}) {
    make_directories(dir_ / name, kind);
    write_file((dir_ / name) + "/shard-0000-of-0001.h5", "half", kind);
  }
  for (const char* name : {"mine.partial", "notes", "step-one.removed"}) make_directories(dir_ / name, kind);
  write_file(dir_ / "notes.txt", "", kind);
  replace_link(checkpoint_name(2), dir_ / "latest", kind);
  prune(2, 2, 1);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_.path())) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"latest", "mine.partial", "notes", "notes.txt",
                                             checkpoint_name(1), checkpoint_name(2), "step-one.removed"}));
  EXPECT_EQ(fs::read_symlink(dir_ / "latest"), checkpoint_name(2));
}

TEST_F(Prune, ALinkThatCannotMoveIsSaidBeforeAnythingGoes) {
  make(1, 2.0);
  make(2, 1.0);
  make_directories(dir_ / "best/full", kind);
  EXPECT_THROW(prune(2, 1, 1), Error);
  EXPECT_EQ(steps(), (Steps{1, 2}));
}

}  // namespace
}  // namespace ncf
