#include "ncf/checkpoint/survey.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "checkpoint/written.hpp"
#include "ncf/io/digest.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Damage = std::function<void(const std::string& folder)>;

std::string shard(int rank) {
  return shard_name(rank, 3);
}

void flip_byte(const std::string& path, double part) {
  std::string bytes = read_file(path, ErrorKind::checkpoint);
  char& byte = bytes[static_cast<std::size_t>(part * static_cast<double>(bytes.size()))];
  byte = static_cast<char>(byte ^ 1);
  write_file(path, bytes, ErrorKind::checkpoint);
}

class Survey : public ::testing::Test {
 protected:
  /// A checkpoint of 3 ranks after `damage`, as the root sees it.
  CheckpointSurvey after(const Damage& damage, Verify verify = Verify::digests) {
    const std::string path = all_ + "/" + checkpoint_name(1250);
    if (comm_.is_root()) {
      fs::remove_all(all_);
      testing::write_as(3, all_);
      damage(path + "/");
    }
    comm_.barrier();
    return survey_checkpoint(comm_, path, verify);
  }
  /// The one fault that `damage` makes, at the root; elsewhere one without text.
  Fault fault_after(const Damage& damage, Verify verify = Verify::digests) {
    survey_ = after(damage, verify);
    EXPECT_EQ(survey_.faults.size(), comm_.is_root() ? 1U : 0U);
    return survey_.faults.empty() ? Fault{} : survey_.faults.front();
  }
  void expect_advice(const std::string& text) {
    std::string all;
    for (const auto& sentence : survey_.advice) all += sentence + "\n";
    EXPECT_THAT(all, HasSubstr(text));
  }

  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};
  const std::string all_ = dir_ / "checkpoints";
  CheckpointSurvey survey_;
};

TEST_F(Survey, AnIntactOneIsDescribed) {
  for (const Verify verify : {Verify::sizes, Verify::digests}) {
    const auto s = after([](const std::string&) {}, verify);
    EXPECT_TRUE(s.intact());
    if (!comm_.is_root()) continue;
    EXPECT_EQ(s.digests_checked, verify == Verify::digests);
    EXPECT_EQ(s.manifest->progress, (Progress{1250, 4, 17}));
    EXPECT_EQ(s.files.size(), 4U);
    EXPECT_EQ(s.users, 12);
    EXPECT_EQ(s.items, 2);
    EXPECT_THAT(s.config_yaml, HasSubstr("seed: 42"));
    ASSERT_EQ(s.parameters.size(), 2U) << "moments are not parameters";
    EXPECT_EQ(s.parameters[0].path, "/mlp/0/bn/running_mean");
    EXPECT_EQ(s.parameters[1].path, "/mlp/0/weight");
    EXPECT_EQ(s.parameters[1].shape, (std::vector<int64_t>{2, 3}));
    EXPECT_TRUE(s.strays.empty() && s.advice.empty());
  }
}

TEST_F(Survey, AFlippedBitIsSeenByDigestsOnly) {
  for (const std::string& name : {shard(0), shard(1), shard(2), std::string("model.h5")}) {
    // In the middle of the file, where it is data rather than HDF5's own structure.
    const Damage damage = [&](const std::string& folder) { flip_byte(folder + name, 0.7); };
    const Fault fault = fault_after(damage);
    if (!comm_.is_root()) continue;
    EXPECT_EQ(fault.file, name);
    EXPECT_THAT(fault.problem, HasSubstr("damaged"));
  }
  const Fault fault = fault_after([](const std::string& folder) { flip_byte(folder + shard(1), 0.999); });
  if (!comm_.is_root()) return;
  EXPECT_THAT(fault.problem, HasSubstr("do not fit their digest"));
  EXPECT_EQ(fault.expected.size(), 32U);
  EXPECT_EQ(fault.found.size(), 32U);
  expect_advice(
      "there are no rows 1, 4, … (4 of 13 rows of user, 1 of 3 rows of item, 0 of 0 rows of none, 4 of 11 "
      "rows of both, 3 of 9 rows of tower)");
}

TEST_F(Survey, MissingAndTruncatedFilesAreNamed) {
  for (const std::string& name : {shard(0), shard(2), std::string("model.h5")}) {
    const Fault missing = fault_after([&](const std::string& folder) { fs::remove(folder + name); });
    const Fault cut = fault_after([&](const std::string& folder) { fs::resize_file(folder + name, 1000); });
    const Fault empty =
        fault_after([&](const std::string& folder) { fs::resize_file(folder + name, 0); }, Verify::sizes);
    if (!comm_.is_root()) continue;
    EXPECT_EQ(missing.file + " " + missing.problem, name + " is missing");
    EXPECT_EQ(cut.file + " " + cut.problem, name + " is cut short");
    EXPECT_EQ(cut.found, "1,000 bytes");
    EXPECT_EQ(empty.found, "0 bytes");
  }
  const Fault longer = fault_after([](const std::string& folder) {
    fs::resize_file(folder + shard(1), fs::file_size(folder + shard(1)) + 1);
  });
  if (comm_.is_root()) {
    EXPECT_THAT(longer.problem, HasSubstr("is too long"));
  }
}

TEST_F(Survey, SwappedShardsAreNamedEachAndCanBeSwappedBack) {
  int first = 1;
  const Damage swap = [&](const std::string& folder) {
    fs::rename(folder + shard(first), folder + "x");
    fs::rename(folder + shard(2), folder + shard(first));
    fs::rename(folder + "x", folder + shard(2));
  };
  first = 0;  // which is larger than shard 2
  survey_ = after(swap);
  if (comm_.is_root()) {
    ASSERT_EQ(survey_.faults.size(), 2U);
    EXPECT_EQ(survey_.faults[0].problem, "holds what should be in " + shard(2));
    EXPECT_EQ(survey_.faults[1].problem, "holds what should be in " + shard(0));
  }
  first = 1;
  survey_ = after(swap);
  if (comm_.is_root()) {
    ASSERT_EQ(survey_.faults.size(), 2U);
    for (const int rank : {1, 2}) {
      const auto& fault = survey_.faults[static_cast<std::size_t>(rank - 1)];
      EXPECT_EQ(fault.file, shard(rank));
      EXPECT_EQ(fault.problem, "holds what should be in " + shard(3 - rank));
    }
    EXPECT_EQ(survey_.advice.size(), 1U);
    expect_advice("give these files the names they should have");
  }
  survey_ = after(swap, Verify::sizes);
  if (comm_.is_root()) {
    ASSERT_EQ(survey_.faults.size(), 2U) << "shards say themselves whose they are";
    EXPECT_EQ(survey_.faults[0].expected, "rank 1 of 3, step 1250, seed 18446744073709551615");
    EXPECT_EQ(survey_.faults[0].found, "rank 2 of 3, step 1250, seed 18446744073709551615");
  }
}

TEST_F(Survey, AForeignShardIsToldApart) {
  const Fault fault = fault_after([&](const std::string& folder) {
    const std::string other = testing::write_as(3, dir_ / "other", 900);
    fs::copy(other + "/" + shard(0), folder + shard(0), fs::copy_options::overwrite_existing);
  });
  if (!comm_.is_root()) return;
  EXPECT_EQ(fault.file, shard(0));
  EXPECT_THAT(fault.problem, HasSubstr("one put in its place"));
  EXPECT_THAT(fault.found, HasSubstr("step 900"));
}

TEST_F(Survey, WithoutAManifestWhatIsThereIsListed) {
  const Fault missing = fault_after([](const std::string& folder) { fs::remove(folder + manifest_name); });
  if (comm_.is_root()) {
    EXPECT_EQ(missing.file + " " + missing.problem, "manifest.json is missing");
    EXPECT_EQ(survey_.files.size(), 4U);
    EXPECT_EQ(survey_.users, 12);
    EXPECT_FALSE(survey_.digests_checked);
    expect_advice("nothing tells whether the files are whole");
  }
  const Fault damaged =
      fault_after([](const std::string& folder) { flip_byte(folder + manifest_name, 0.5); });
  if (comm_.is_root()) {
    EXPECT_THAT(damaged.problem, HasSubstr("does not fit the digest in its first line"));
  }
  const auto both = after([](const std::string& folder) {
    fs::remove(folder + manifest_name);
    fs::remove(folder + shard(1));
  });
  if (comm_.is_root()) {
    EXPECT_EQ(both.faults.size(), 2U) << "names of shards tell how many there should be";
  }
}

TEST_F(Survey, ALaterFormatIsNotCalledDamage) {
  const Fault fault = fault_after([](const std::string& folder) {
    std::string text = read_file(folder + manifest_name, ErrorKind::checkpoint);
    std::string below = text.substr(text.find('\n') + 1);
    const std::string version = "\"format_version\": 1";
    below.replace(below.find(version), version.size(), "\"format_version\": 9");
    write_file(folder + manifest_name,
               "{\"xxh3_128_of_the_lines_below\": \"" + digest_of(below) + "\",\n" + below,
               ErrorKind::checkpoint);
  });
  if (!comm_.is_root()) return;
  EXPECT_EQ(fault.problem, "has format version 9; this program reads versions up to 1");
  expect_advice("a later ncf_dist wrote it");
}

TEST_F(Survey, OtherNamesAndStrayFiles) {
  const auto strays =
      after([](const std::string& folder) { testing::write_text(folder + "notes.txt", "hm"); });
  EXPECT_TRUE(strays.intact());
  if (comm_.is_root()) {
    EXPECT_EQ(strays.strays, std::vector<std::string>{"notes.txt"});
  }
  if (comm_.is_root()) fs::rename(all_ + "/step-000001250", all_ + "/step-000009999");
  comm_.barrier();
  survey_ = survey_checkpoint(comm_, all_ + "/step-000009999", Verify::digests);
  if (comm_.is_root()) {
    ASSERT_EQ(survey_.faults.size(), 1U);
    EXPECT_EQ(survey_.faults[0].problem, "has another checkpoint's name");
    expect_advice("renamed to step-000001250 it is right");
  }
  survey_ = survey_checkpoint(comm_, all_ + "/step-000000001", Verify::digests);
  if (comm_.is_root()) {
    EXPECT_EQ(survey_.faults.at(0).problem, "is not there");
  }
}

TEST_F(Survey, ARunListsAllAndWhatWouldBeResumedFrom) {
  if (comm_.is_root()) {
    for (const int64_t step : {10, 20, 30}) testing::write_as(2, all_, step);
    fs::resize_file(all_ + "/step-000000030/model.h5", 10);
    flip_byte(all_ + "/step-000000020/model.h5", 0.7);
    fs::create_directories(all_ + "/step-000000040.partial");
    fs::create_directory_symlink("step-000000030", all_ + "/latest");
  }
  comm_.barrier();
  const auto sizes = survey_checkpoints(comm_, all_, Verify::sizes);
  const auto digests = survey_checkpoints(comm_, all_, Verify::digests);
  const std::string sibling = intact_sibling(comm_, all_ + "/step-000000030", Verify::digests);
  const auto none = survey_checkpoints(comm_, all_ + "/none", Verify::digests);
  if (!comm_.is_root()) return;
  ASSERT_EQ(digests.checkpoints.size(), 3U);
  EXPECT_EQ(digests.checkpoints[0].step, 30);
  EXPECT_FALSE(digests.checkpoints[0].intact());
  EXPECT_FALSE(digests.checkpoints[1].intact());
  EXPECT_TRUE(digests.checkpoints[2].intact());
  EXPECT_EQ(digests.resume_from, all_ + "/step-000000010");
  EXPECT_EQ(sizes.resume_from, all_ + "/step-000000020");
  EXPECT_EQ(digests.leftovers, std::vector<std::string>{"step-000000040.partial"});
  EXPECT_EQ(digests.latest, "step-000000030");
  EXPECT_EQ(digests.best, "");
  EXPECT_EQ(sibling, all_ + "/step-000000010");
  EXPECT_TRUE(none.checkpoints.empty() && none.resume_from.empty());
}

}  // namespace
}  // namespace ncf
