#include "ncf/checkpoint/read.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "checkpoint/written.hpp"
#include "ncf/checkpoint/write.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/io/digest.hpp"
#include "ncf/io/durable.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using testing::Example;
using ::testing::HasSubstr;
constexpr auto kind = ErrorKind::checkpoint;

std::string agreed_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    EXPECT_TRUE(e.agreed());
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

class ReadCheckpoint : public ::testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};

  /// The example as `world` ranks would have written it.
  std::string written_by(int64_t world, int64_t step = 1250) {
    const std::string all = dir_ / std::to_string(world);
    if (comm_.is_root()) testing::write_as(world, all, step);
    const std::string path = all + "/" + checkpoint_name(step);
    comm_.barrier();
    return path;
  }

  void expect_intact(const std::string& path) {
    const Manifest manifest = open_checkpoint(comm_, path);
    Example back(comm_.rank(), comm_.size(), false);
    read_checkpoint(comm_, path, manifest, {}, back.tables(), back.dense());
    back.expect_right();
  }

  /// What `damage` does to a checkpoint of 3 ranks on the root. A fresh one each time.
  std::string damaged(const std::function<void(const std::string&)>& damage) {
    if (comm_.is_root()) fs::remove_all(dir_ / "3");
    comm_.barrier();
    const std::string path = written_by(3);
    if (comm_.is_root()) damage(path + "/");
    comm_.barrier();
    return path;
  }
};

TEST_F(ReadCheckpoint, AnyNumberOfRanksReadsWhatAnyNumberWrote) {
  for (const int64_t world : {1, 2, 3, 4, 5, 8, 14}) expect_intact(written_by(world));
}

TEST_F(ReadCheckpoint, WithoutMomentsForPrediction) {
  const std::string path = written_by(3);
  const Manifest manifest = open_checkpoint(comm_, path, Verify::sizes);
  Example back(comm_.rank(), comm_.size(), false);
  read_checkpoint(comm_, path, manifest, {"other", ""}, back.tables(false), back.dense(false));
  back.expect_right(false);
}

TEST_F(ReadCheckpoint, WhatIsAskedForMustBeThere) {
  const std::string path = written_by(3);
  const Manifest manifest = open_checkpoint(comm_, path);
  Example back(comm_.rank(), comm_.size(), false);
  const auto error = [&](const MomentNames& moments, const auto& tables, const auto& dense) {
    return agreed_error_of([&] { read_checkpoint(comm_, path, manifest, moments, tables, dense); });
  };
  auto tables = back.tables();
  const auto dense = back.dense();

  Matrix wider(local_rows(13, comm_.rank(), comm_.size()), 8);
  TableView view{.name = "user",
                 .total_rows = 13,
                 .width = 7,
                 .has_bias = true,
                 .weight = wider.view(),
                 .first_moment = {},
                 .second_moment = {},
                 .last_step = {}};
  EXPECT_THAT(error({}, std::vector{view}, dense),
              HasSubstr(path + ": table user has 13 rows of 5 and a bias, expected 13 rows of 7 and a bias"));
  view.name = "genre";
  EXPECT_THAT(error({}, std::vector{view}, dense), HasSubstr("has no table genre"));
  EXPECT_THAT(error({"momentum", ""}, tables, dense),
              HasSubstr("holds \"adam_m\" and \"adam_v\", expected \"momentum\""));

  auto other = dense;
  other[0].path = "/mlp/9/weight";
  EXPECT_THAT(error({}, tables, other), HasSubstr("model.h5: /mlp/9/weight: cannot open it"));
  other = dense;
  other[0].shape = {3, 2};
  EXPECT_THAT(error({}, tables, other), HasSubstr("/mlp/0/weight: has shape [2 × 3], expected [3 × 2]"));
  std::vector<int64_t> steps(static_cast<std::size_t>(local_rows(3, comm_.rank(), comm_.size())));
  tables[1].last_step = steps;
  EXPECT_THAT(error({}, tables, dense), HasSubstr("/embedding/item/last_step: cannot open it"));
}

TEST_F(ReadCheckpoint, EveryDamageToEveryFileIsNoticed) {
  const std::vector<std::string> files = {"shard-0000-of-0003.h5", "shard-0001-of-0003.h5",
                                          "shard-0002-of-0003.h5", "model.h5", "manifest.json"};
  for (const auto& name : files) {
    const auto expect_error = [&](const std::function<void(const std::string&)>& damage,
                                  const std::string& what) {
      const std::string path = damaged([&](const std::string& folder) { damage(folder + name); });
      EXPECT_THAT(agreed_error_of([&] { open_checkpoint(comm_, path); }), HasSubstr(name)) << what;
    };
    expect_error([](const std::string& file) { fs::remove(file); }, "missing");
    for (const double part : {0.0, 0.001, 0.5, 1.0})
      expect_error(
          [&](const std::string& file) {
            fs::resize_file(file,
                            static_cast<std::uintmax_t>(part * static_cast<double>(fs::file_size(file) - 1)));
          },
          "cut");
    for (const double part : {0.1, 0.5, 0.9999})
      expect_error(
          [&](const std::string& file) {
            std::string bytes = read_file(file, kind);
            char& byte = bytes[static_cast<std::size_t>(part * static_cast<double>(bytes.size()))];
            byte = static_cast<char>(byte ^ 1);
            write_file(file, bytes, kind);
          },
          "flipped");
  }
}

TEST_F(ReadCheckpoint, ShardsOfOthersAreNotTakenForOnesOwn) {
  // Swapped among themselves, and one of another step; of equal size, or noticed anyway.
  const std::string swapped = damaged([](const std::string& folder) {
    fs::rename(folder + "shard-0001-of-0003.h5", folder + "x");
    fs::rename(folder + "shard-0002-of-0003.h5", folder + "shard-0001-of-0003.h5");
    fs::rename(folder + "x", folder + "shard-0002-of-0003.h5");
  });
  EXPECT_THAT(agreed_error_of([&] { open_checkpoint(comm_, swapped); }), HasSubstr("is damaged"));
  const auto read = [&](const std::string& path) {
    const Manifest manifest = open_checkpoint(comm_, path, Verify::sizes);
    Example back(comm_.rank(), comm_.size(), false);
    read_checkpoint(comm_, path, manifest, {}, back.tables(), back.dense());
  };
  EXPECT_THAT(agreed_error_of([&] { read(swapped); }), HasSubstr("is of rank"));
  const std::string older = written_by(3, 900);
  const std::string foreign = dir_ / "3/step-000001250";
  if (comm_.is_root()) {
    fs::remove_all(foreign);
  }
  comm_.barrier();
  written_by(3);
  if (comm_.is_root())
    fs::copy(older + "/shard-0000-of-0003.h5", foreign + "/shard-0000-of-0003.h5",
             fs::copy_options::overwrite_existing);
  comm_.barrier();
  EXPECT_THAT(agreed_error_of([&] { open_checkpoint(comm_, foreign); }), HasSubstr("is damaged"));
  EXPECT_THAT(agreed_error_of([&] { read(foreign); }), HasSubstr("is of step 900, expected 1250"));
}

TEST_F(ReadCheckpoint, TheNewestValidOneIsTakenAndOthersAreExplained) {
  const std::string none = dir_ / "none";
  EXPECT_EQ(newest_checkpoint(comm_, none).path, "");
  EXPECT_TRUE(find_checkpoints(none).empty());
  for (const int64_t step : {5, 10, 15, 20}) written_by(2, step);
  const std::string all = dir_ / "2";
  if (comm_.is_root()) {
    fs::rename(all + "/step-000000020", all + "/step-000000030");           // not what its name says
    fs::resize_file(all + "/step-000000015/model.h5", 10);                  // noticed by its size
    std::string bytes = read_file(all + "/step-000000010/model.h5", kind);  // noticed by its digest
    bytes[bytes.size() / 2] ^= 1;
    write_file(all + "/step-000000010/model.h5", bytes, kind);
    fs::create_directory(all + "/step-000000099.partial");
    write_file(all + "/step-000000098", "a file", kind);
    fs::create_directory_symlink("step-000000099", all + "/latest");
  }
  comm_.barrier();
  const auto newest = newest_checkpoint(comm_, all);
  EXPECT_EQ(newest.path, all + "/step-000000005");
  EXPECT_EQ(newest.manifest.progress.step, 5);
  ASSERT_EQ(newest.skipped.size(), 4U);
  EXPECT_THAT(newest.skipped[0], HasSubstr("step-000000098/manifest.json: Not a directory"));
  EXPECT_THAT(newest.skipped[1],
              HasSubstr("step-000000030: is the checkpoint of step 20 under another name"));
  EXPECT_THAT(newest.skipped[2], HasSubstr("model.h5: has 10 bytes"));
  EXPECT_THAT(newest.skipped[3], HasSubstr("step-000000010/model.h5: is damaged"));
  EXPECT_EQ(newest_checkpoint(comm_, all, Verify::sizes).path, all + "/step-000000010");
  expect_intact(newest.path);
  EXPECT_THAT(agreed_error_of([&] { open_checkpoint(comm_, all + "/latest"); }),
              HasSubstr("no such directory"));
}

TEST_F(ReadCheckpoint, IdsOutsideTheFileAreErrors) {
  const std::string path = written_by(1);
  EXPECT_THROW(read_vocabulary(path, "genre"), Error);
  EXPECT_THROW(read_config_yaml(dir_ / "none"), Error);
}

}  // namespace
}  // namespace ncf
