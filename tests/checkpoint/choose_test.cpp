#include "ncf/checkpoint/choose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "checkpoint/written.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ChooseCheckpoint : public ::testing::Test {
 protected:
  ChooseCheckpoint() {
    if (comm_.is_root()) {
      for (const int64_t step : {10, 20}) testing::write_as(2, run_ + "/checkpoints", step);
      fs::create_directory_symlink("step-000000010", run_ + "/checkpoints/best");
      fs::create_directory_symlink("step-000000099", run_ + "/checkpoints/latest");
      fs::create_directories(run_ + "/checkpoints/step-000000030.partial");
      fs::create_directories(dir_ / "empty");
      fs::create_directories(dir_ / "begun");
      testing::write_text(dir_ / "begun/config.yaml", "");
      testing::write_text(dir_ / "step-000000005", "a file");
    }
    comm_.barrier();
  }
  std::string error_of(const std::string& path) {
    return testing::thrown_by<Error>([&] { choose_checkpoint(comm_, path); });
  }

  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};
  const std::string run_ = dir_ / "run";
};

TEST_F(ChooseCheckpoint, PathsAreToldApart) {
  const std::string all = run_ + "/checkpoints";
  EXPECT_EQ(kind_of_path(run_), CheckpointPath::run);
  EXPECT_EQ(kind_of_path(dir_ / "begun"), CheckpointPath::run);
  EXPECT_EQ(kind_of_path(all), CheckpointPath::checkpoints);
  EXPECT_EQ(kind_of_path(all + "/"), CheckpointPath::checkpoints);
  EXPECT_EQ(kind_of_path(all + "/step-000000020"), CheckpointPath::checkpoint);
  EXPECT_EQ(kind_of_path(all + "/best"), CheckpointPath::checkpoint);
  EXPECT_EQ(kind_of_path(all + "/latest"), CheckpointPath::checkpoint) << "one that is gone";
  EXPECT_EQ(kind_of_path(all + "/step-000000030.partial"), CheckpointPath::unfinished);
  EXPECT_EQ(kind_of_path(dir_ / "empty"), CheckpointPath::none);
  EXPECT_EQ(kind_of_path(dir_ / "step-000000005"), CheckpointPath::none);
  EXPECT_EQ(kind_of_path(dir_ / "nowhere"), CheckpointPath::none);
  comm_.barrier();
  if (comm_.is_root()) fs::rename(all + "/step-000000020", dir_ / "copied");
  comm_.barrier();
  EXPECT_EQ(kind_of_path(dir_ / "copied"), CheckpointPath::checkpoint) << "under any name";
}

TEST_F(ChooseCheckpoint, LinksAreFollowedToTheirName) {
  EXPECT_EQ(followed(run_ + "/checkpoints/best"), run_ + "/checkpoints/step-000000010");
  EXPECT_EQ(followed(run_ + "/checkpoints/best//"), run_ + "/checkpoints/step-000000010");
  EXPECT_EQ(followed(run_ + "/"), run_);
  EXPECT_EQ(followed("/"), "/");
}

TEST_F(ChooseCheckpoint, TheNewestValidOneOfARun) {
  const std::string all = run_ + "/checkpoints";
  for (const std::string& path : {run_, all, all + "/step-000000020"})
    EXPECT_EQ(choose_checkpoint(comm_, path).path, all + "/step-000000020");
  EXPECT_EQ(choose_checkpoint(comm_, all + "/best").manifest.progress.step, 10);
  comm_.barrier();
  if (comm_.is_root()) fs::resize_file(all + "/step-000000020/model.h5", 10);
  comm_.barrier();
  const Candidate older = choose_checkpoint(comm_, run_);
  EXPECT_EQ(older.path, all + "/step-000000010");
  ASSERT_EQ(older.skipped.size(), 1U);
  EXPECT_THAT(older.skipped[0], HasSubstr("model.h5: has 10 bytes"));
  EXPECT_THAT(error_of(all + "/step-000000020"), HasSubstr("4: " + all + "/step-000000020/model.h5"));
  comm_.barrier();
  if (comm_.is_root()) fs::remove(all + "/step-000000010/manifest.json");
  comm_.barrier();
  EXPECT_THAT(error_of(run_), HasSubstr("has no valid checkpoint; the newest: " + all));
}

TEST_F(ChooseCheckpoint, WhereThereIsNone) {
  EXPECT_THAT(error_of(dir_ / "empty"), HasSubstr("4: " + (dir_ / "empty") + ": there is no checkpoint"));
  EXPECT_THAT(error_of(dir_ / "begun"), HasSubstr("has no valid checkpoint"));
  EXPECT_THAT(error_of(run_ + "/checkpoints/latest"), HasSubstr("step-000000099: is not a checkpoint"));
  EXPECT_THAT(error_of(run_ + "/checkpoints/step-000000030.partial"), HasSubstr("cut short"));
}

}  // namespace
}  // namespace ncf
