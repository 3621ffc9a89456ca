#include "ncf/checkpoint/write.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "checkpoint/example.hpp"
#include "ncf/checkpoint/read.hpp"
#include "ncf/io/durable.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using testing::Example;
using ::testing::HasSubstr;

std::string agreed_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::checkpoint) << e.what();
    EXPECT_TRUE(e.agreed());
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

class WriteCheckpoint : public ::testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};
  Example example_{comm_.rank(), comm_.size()};
  const std::string checkpoints_ = dir_ / "run/checkpoints";

  void expect_intact(const std::string& path) {
    const Manifest manifest = open_checkpoint(comm_, path);
    Example back(comm_.rank(), comm_.size(), false);
    read_checkpoint(comm_, path, manifest, {}, back.tables(), back.dense());
    back.expect_right();
  }
};

TEST_F(WriteCheckpoint, WhatIsWrittenComesBackInItsBits) {
  const auto written = write_checkpoint(comm_, checkpoints_, example_.snapshot());
  EXPECT_EQ(written.path, checkpoints_ + "/step-000001250");
  expect_intact(written.path);
  expect_intact(checkpoints_ + "/latest");
  const Manifest manifest = read_manifest(written.path);
  EXPECT_EQ(manifest.bytes(), written.bytes);
  EXPECT_EQ(manifest.progress, (Progress{1250, 4, 17}));
  EXPECT_EQ(manifest.seed, ~0ULL);
  EXPECT_EQ(manifest.extra, example_.snapshot().extra);
  EXPECT_EQ(read_config_yaml(written.path), example_.snapshot().config_yaml);
  EXPECT_EQ(read_vocabulary(written.path, "user").ids, testing::example_users.ids);
  EXPECT_EQ(read_vocabulary(written.path, "item").ids, testing::example_items.ids);
}

TEST_F(WriteCheckpoint, LatestMovesAndTheSameStepIsReplaced) {
  for (const int64_t step : {1, 2, 2}) write_checkpoint(comm_, checkpoints_, example_.snapshot(step));
  EXPECT_EQ(names_in(checkpoints_), (std::vector<std::string>{"latest", "step-000000001", "step-000000002"}));
  EXPECT_EQ(fs::read_symlink(checkpoints_ + "/latest"), "step-000000002");
  expect_intact(checkpoints_ + "/step-000000001");
  expect_intact(checkpoints_ + "/step-000000002");
}

TEST_F(WriteCheckpoint, AStrayPartialIsSweptAway) {
  if (comm_.is_root()) {
    make_directories(checkpoints_ + "/step-000001250.partial/deep", ErrorKind::checkpoint);
    write_file(checkpoints_ + "/step-000001250.partial/shard-0099-of-0100.h5", "half", ErrorKind::checkpoint);
  }
  comm_.barrier();
  const auto written = write_checkpoint(comm_, checkpoints_, example_.snapshot());
  EXPECT_EQ(names_in(written.path).size(), static_cast<std::size_t>(comm_.size()) + 2);
  EXPECT_EQ(names_in(checkpoints_), (std::vector<std::string>{"latest", "step-000001250"}));
}

TEST_F(WriteCheckpoint, AFullDiskOnAnyRankLeavesThePreviousOneIntact) {
  std::signal(SIGXFSZ, SIG_IGN);
  write_checkpoint(comm_, checkpoints_, example_.snapshot(1));
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  for (int victim = 0; victim < comm_.size(); ++victim) {
    // Too small for a shard; on rank 0 also: big enough for its shard, too small for model.h5 with its long
    // config.
    for (const rlim_t limit : {rlim_t{0}, rlim_t{2000}, rlim_t{30000}}) {
      if (limit == 30000 && victim != 0) continue;
      const rlimit small{limit, old.rlim_max};
      if (comm_.rank() == victim) setrlimit(RLIMIT_FSIZE, &small);
      const std::string message =
          agreed_error_of([&] { write_checkpoint(comm_, checkpoints_, example_.snapshot(2)); });
      setrlimit(RLIMIT_FSIZE, &old);
      EXPECT_THAT(message, HasSubstr("step-000000002.partial/"));
      EXPECT_THAT(message, HasSubstr("File too large"));
      if (comm_.size() > 1) {
        EXPECT_THAT(message, HasSubstr("(on rank " + std::to_string(victim) + ")"));
      }
      comm_.barrier();
      EXPECT_EQ(names_in(checkpoints_), (std::vector<std::string>{"latest", "step-000000001"}));
      comm_.barrier();  // the next try makes its partial directory
    }
  }
  expect_intact(checkpoints_ + "/latest");
  write_checkpoint(comm_, checkpoints_, example_.snapshot(2));  // and saving works again
  expect_intact(checkpoints_ + "/latest");
}

TEST_F(WriteCheckpoint, PlacesThatCannotBeWrittenAreNamed) {
  if (comm_.is_root()) write_file(dir_ / "file", "", ErrorKind::checkpoint);
  comm_.barrier();
  EXPECT_THAT(agreed_error_of([&] { write_checkpoint(comm_, dir_ / "file", example_.snapshot()); }),
              HasSubstr("cannot make directory " + (dir_ / "file")));
  EXPECT_THAT(agreed_error_of([&] { write_checkpoint(comm_, "/proc/none", example_.snapshot()); }),
              HasSubstr("cannot make directory /proc/none"));
}

TEST_F(WriteCheckpoint, ViewsThatDoNotFitAreInternalErrors) {
  auto snapshot = example_.snapshot();
  snapshot.tables[0].total_rows += comm_.size();
  try {
    write_checkpoint(comm_, checkpoints_, snapshot);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::internal);
    EXPECT_THAT(e.what(), HasSubstr("table user"));
  }
}

TEST_F(WriteCheckpoint, H5pySeesWholeTablesWhereverTheDirectoryIs) {
  if (std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3-h5py is not installed";
  const auto written = write_checkpoint(comm_, checkpoints_, example_.snapshot());
  if (!comm_.is_root()) return;
  fs::rename(written.path, dir_ / "moved");
  const std::string command = "cd / && /usr/bin/python3 " NCF_SOURCE_DIR
                              "/tests/checkpoint/read_with_h5py.py " +
                              (dir_ / "moved") + " " + std::to_string(comm_.size());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace ncf
