#include "ncf/ingest/survey.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "ncf/ingest/prepare.hpp"
#include "ncf/io/hdf5.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SurveyDataset : public ::testing::Test {
 protected:
  SurveyDataset() {
    folder_.file("u1.base", "1\t10\t1\t1\n1\t20\t2\t2\n2\t10\t3\t3\n3\t20\t4\t4\n");
    folder_.file("u1.test", "1\t30\t5\t4\n3\t30\t5\t5\n2\t20\t1\t6\n");
    folder_.file("u.item",
                 "10|Ten (1990)|01-Jan-1990||x" + genres() + "20|Twenty (1991)|01-Jan-1991||x" + genres());
    Config config;
    config.data.path = folder_ / "u1.base";
    config.data.split = SplitKind::given;
    ::testing::internal::CaptureStdout();
    prepare(config, path_, comm_);
    ::testing::internal::GetCapturedStdout();
    comm_.barrier();
  }
  static std::string genres() {
    std::string text;
    for (int g = 0; g < 19; ++g) text += g == 3 ? "|1" : "|0";
    return text + "\n";
  }
  template <class T>
  void overwrite(const std::string& name, int64_t at, T value) {
    if (comm_.is_root()) {
      auto file = Hdf5File::update(path_, ErrorKind::data);
      file.write_part<T>(name, at, std::span<const T>(&value, 1));
      file.close();
    }
    comm_.barrier();
  }
  /// The root's only fault; elsewhere an empty text.
  std::string fault(bool whole = true) {
    const DatasetSurvey s = survey_dataset(comm_, path_, whole);
    EXPECT_EQ(s.intact(), s.faults.empty());
    EXPECT_EQ(s.faults.size(), comm_.is_root() ? 1U : s.faults.size());
    return comm_.is_root() && !s.faults.empty() ? s.faults.front() : "";
  }
  void expect_fault(const std::string& text) {
    const std::string found = fault();
    if (comm_.is_root()) {
      EXPECT_THAT(found, HasSubstr(text));
    }
  }

  Communicator comm_ = Communicator::world();
  testing::SharedDirectory folder_{comm_};
  const std::string path_ = folder_ / "a.h5";
};

TEST_F(SurveyDataset, AnIntactOneIsDescribed) {
  for (const bool whole : {false, true}) {
    const DatasetSurvey s = survey_dataset(comm_, path_, whole);
    EXPECT_TRUE(s.intact());
    if (!comm_.is_root()) continue;
    EXPECT_EQ(s.contents_checked, whole);
    EXPECT_EQ(s.info->users, 3);
    EXPECT_EQ(s.info->items, 3);
    EXPECT_EQ(s.info->ratings, 7);
    EXPECT_EQ(s.rating_min, 1);
    EXPECT_EQ(s.rating_max, 5);
    EXPECT_EQ(s.valid_rows, 3);
    EXPECT_TRUE(s.user_columns.empty());
    ASSERT_EQ(s.item_columns.size(), 2U);
    EXPECT_EQ(s.item_columns[0].name + ": " + s.item_columns[0].holds, "title: text");
    EXPECT_EQ(s.item_columns[1].name + ": " + s.item_columns[1].holds, "year: number");
    EXPECT_EQ(s.bytes, static_cast<int64_t>(fs::file_size(path_)));
  }
}

TEST_F(SurveyDataset, DamageInsideIsFoundByReadingAll) {
  overwrite("/ratings/value", 2, 4.5F);
  EXPECT_TRUE(survey_dataset(comm_, path_, false).intact()) << "not without reading all of it";
  expect_fault("are damaged: they do not fit their digest");
}

TEST_F(SurveyDataset, DamagedIdsDoNotFitTheDigestOfTheWhole) {
  overwrite("/users/id", 2, int64_t{4});
  expect_fault("(attribute digest)");
}

TEST_F(SurveyDataset, DamagedColumnsDoNotFitTheirs) {
  overwrite("/items/columns/year", 1, 1999.0);
  expect_fault("titles and other columns have the digest");
}

TEST_F(SurveyDataset, WhatCannotBeOpenedIsExplained) {
  if (comm_.is_root()) fs::resize_file(path_, fs::file_size(path_) / 2);
  comm_.barrier();
  for (const bool whole : {false, true}) {
    const DatasetSurvey s = survey_dataset(comm_, path_, whole);
    if (!comm_.is_root()) continue;
    ASSERT_EQ(s.faults.size(), 1U);
    EXPECT_THAT(s.faults[0], HasSubstr("cannot read " + path_ + " as HDF5"));
    EXPECT_FALSE(s.info.has_value());
    EXPECT_THAT(s.advice.at(0), HasSubstr("prepare it again"));
  }
}

TEST_F(SurveyDataset, ALaterFormatIsNotCalledDamage) {
  if (comm_.is_root()) {
    auto later = Hdf5File::create(path_, ErrorKind::data);
    later.set_attribute("format", std::string("ncf_dist data set"));
    later.set_attribute<int64_t>("format_version", 7);
    later.close();
  }
  comm_.barrier();
  expect_fault("has format version 7; this program reads");
  const DatasetSurvey s = survey_dataset(comm_, path_, false);
  if (comm_.is_root()) {
    EXPECT_THAT(s.advice.at(0), HasSubstr("a later ncf_dist"));
  }
}

}  // namespace
}  // namespace ncf
