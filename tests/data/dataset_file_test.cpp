#include "ncf/data/dataset_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "ncf/data/synthetic.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/io/hdf5.hpp"
#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::data);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

/// Users -3, 5, 6 and 70 with 2, 0, 3 and 1 ratings; read_dataset_with_h5py.py knows them too.
Dataset example() {
  Dataset dataset;
  dataset.users.ids = std::vector<int64_t>{-3, 5, 6, 70};
  dataset.items.ids = std::vector<std::string>{"a", "b c", "é"};
  dataset.total_rows = 6;
  dataset.source = "made up";
  dataset.repeated_pairs = 9;
  dataset.part = {.first_user = 0,
                  .offsets = {0, 2, 2, 5, 6},
                  .items = {0, 2, 0, 1, 2, 1},
                  .values = {1, 2.5F, -3, 0.1F, 5, 4},
                  .times = {10, -20, 1LL << 40, 40, 50, 60},
                  .valid = {0, 1, 0, 0, 1, 0},
                  .first_row = 0};
  return dataset;
}

SideTables example_side() {
  const double unknown = std::nan("");
  return {{{{"age", Attribute::Number{1.5, unknown, 3, 4}}, {"gender", Attribute::Text{"F", "", "M", "F"}}}},
          {{{"genres", Attribute::TextList{{"Drama", "Comedy"}, {}, {"Sci-Fi"}}},
            {"title", Attribute::Text{"Amélie (2001)", "", "c"}}}}};
}

RatingsPart users_of(const RatingsPart& all, int64_t first, int64_t last) {
  RatingsPart part;
  part.first_user = first;
  part.first_row = all.offsets[static_cast<std::size_t>(first)];
  for (int64_t u = first; u <= last; ++u)
    part.offsets.push_back(all.offsets[static_cast<std::size_t>(u)] - part.first_row);
  const auto cut = [&](const auto& from, auto& to) {
    if (!from.empty())
      to.assign(from.begin() + part.first_row, from.begin() + part.first_row + part.offsets.back());
  };
  cut(all.items, part.items);
  cut(all.values, part.values);
  cut(all.times, part.times);
  cut(all.valid, part.valid);
  return part;
}

void write_in_parts(const std::string& path, const Dataset& dataset, const std::vector<int64_t>& bounds,
                    const SideTables& side = example_side()) {
  begin_dataset_file(path, dataset, {!dataset.part.times.empty(), !dataset.part.valid.empty()}, side);
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i)
    add_ratings(path, users_of(dataset.part, bounds[i], bounds[i + 1]));
  finish_dataset_file(path);
}

class DatasetFile : public ::testing::Test {
 protected:
  testing::TemporaryDirectory dir_;
  const std::string path_ = dir_ / "a.h5";
};

TEST_F(DatasetFile, AnyCutIntoPartsGivesTheSameAndAnySliceReadsItsShare) {
  const Dataset all = example();
  std::string digest;
  for (const auto& bounds : std::vector<std::vector<int64_t>>{{0, 4}, {0, 1, 2, 3, 4}, {0, 0, 2, 4, 4}}) {
    write_in_parts(path_, all, bounds);
    const auto info = read_dataset_info(path_);
    EXPECT_EQ(info.users, 4);
    EXPECT_EQ(info.items, 3);
    EXPECT_EQ(info.ratings, 6);
    EXPECT_EQ(info.repeated_pairs, 9);
    EXPECT_EQ(info.source, "made up");
    EXPECT_TRUE(info.columns.times && info.columns.valid);
    if (digest.empty()) digest = info.digest;
    EXPECT_EQ(info.digest, digest);

    for (int64_t world = 1; world <= 9; ++world) {
      int64_t user = 0, row = 0;
      for (int64_t rank = 0; rank < world; ++rank) {
        const Dataset found = read_dataset_file(path_, {rank, world});
        EXPECT_EQ(found.users.ids, all.users.ids);
        EXPECT_EQ(found.items.ids, all.items.ids);
        EXPECT_EQ(found.total_rows, 6);
        EXPECT_EQ(found.source, path_);
        const RatingsPart expected = users_of(all.part, user, user + found.part.users());
        EXPECT_EQ(found.part.first_user, user);
        EXPECT_EQ(found.part.first_row, row);
        EXPECT_EQ(found.part.offsets, expected.offsets);
        EXPECT_EQ(found.part.items, expected.items);
        EXPECT_EQ(found.part.values, expected.values);
        EXPECT_EQ(found.part.times, expected.times);
        EXPECT_EQ(found.part.valid, expected.valid);
        user += found.part.users();
        row += found.part.rows();
      }
      EXPECT_EQ(user, 4);
      EXPECT_EQ(row, 6);
    }
  }
}

TEST_F(DatasetFile, ManyRatingsAreReadInBlocksAndUnwantedColumnsNotKept) {
  SyntheticConfig config;
  config.users = 700, config.items = 4000, config.ratings = 2'200'000;  // two blocks and a bit
  const Dataset all = synthetic_dataset(config, 1, {});
  write_in_parts(path_, all, {0, 700}, {});
  const Dataset found = read_dataset_file(path_, {});
  EXPECT_EQ(found.part.offsets, all.part.offsets);
  EXPECT_EQ(found.part.items, all.part.items);
  EXPECT_EQ(found.part.values, all.part.values);
  EXPECT_EQ(found.part.times, all.part.times);
  const Dataset less = read_dataset_file(path_, {1, 2}, {.times = false, .valid = false});
  EXPECT_TRUE(less.part.times.empty());
  EXPECT_TRUE(std::ranges::equal(
      less.part.items, std::span(all.part.items).subspan(static_cast<std::size_t>(less.part.first_row))));
}

TEST_F(DatasetFile, WithoutTimesSplitOrSideTables) {
  Dataset plain = example();
  plain.part.times.clear();
  plain.part.valid.clear();
  write_in_parts(path_, plain, {0, 2, 4}, {});
  const Dataset found = read_dataset_file(path_, {});
  EXPECT_TRUE(found.part.times.empty() && found.part.valid.empty());
  EXPECT_EQ(found.part.items, plain.part.items);
  EXPECT_TRUE(read_side_tables(path_).users.attributes.empty());
  EXPECT_FALSE(read_dataset_info(path_).columns.times);
}

TEST_F(DatasetFile, SideTablesComeBack) {
  write_in_parts(path_, example(), {0, 4});
  const SideTables side = read_side_tables(path_), expected = example_side();
  ASSERT_EQ(side.users.attributes.size(), 2U);
  ASSERT_EQ(side.items.attributes.size(), 2U);
  EXPECT_EQ(side.users.attributes[0].name, "age");
  const auto& ages = std::get<Attribute::Number>(side.users.attributes[0].values);
  EXPECT_EQ(ages[0], 1.5);
  EXPECT_TRUE(std::isnan(ages[1]));
  EXPECT_EQ(side.users.attributes[1].values, expected.users.attributes[1].values);
  EXPECT_EQ(side.items.attributes[0].name, "genres");
  EXPECT_EQ(side.items.attributes[0].values, expected.items.attributes[0].values);
  EXPECT_EQ(side.items.attributes[1].values, expected.items.attributes[1].values);

  const SideTables bad = {{{{"a/b", Attribute::Number{1, 2, 3, 4}}}}, {}};
  EXPECT_THAT(error_of([&] { begin_dataset_file(path_, example(), {}, bad); }),
              HasSubstr("\"a/b\" of users"));
}

TEST_F(DatasetFile, OtherFilesAreRefused) {
  write_file(dir_ / "text.h5", "not HDF5", ErrorKind::data);
  EXPECT_THAT(error_of([&] { read_dataset_file(dir_ / "text.h5", {}); }),
              HasSubstr("cannot read " + (dir_ / "text.h5")));
  auto other = Hdf5File::create(path_, ErrorKind::data);
  other.close();
  EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }), HasSubstr("no data set of this program"));

  begin_dataset_file(path_, example(), {true, true}, {});
  EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }), HasSubstr("was not finished"));

  auto later = Hdf5File::create(path_, ErrorKind::data);
  later.set_attribute("format", std::string("ncf_dist data set"));
  later.set_attribute<int64_t>("format_version", 7);
  later.close();
  EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }),
              HasSubstr("has format version 7; this program reads"));
}

/// A file with one thing wrong in it, written as the writer would.
TEST_F(DatasetFile, WhatIsWrongInsideIsNamed) {
  const auto refuse = [&](const std::function<void(Dataset&)>& spoil, const std::string& message) {
    Dataset bad = example();
    spoil(bad);
    write_in_parts(path_, bad, {0, 4});
    EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }), HasSubstr(path_ + ": " + message));
  };
  refuse([](Dataset& d) { d.part.items[3] = 3; },
         "/ratings/item: user entry 2 has item index 3; there are 3 items");
  refuse([](Dataset& d) { d.part.items[3] = -1; }, "/ratings/item: user entry 2 has item index -1");
  refuse([](Dataset& d) { d.part.items[3] = 0; }, "/ratings/item: user entry 2 has items that do not ascend");
  refuse([](Dataset& d) { d.part.valid[5] = 2; }, "/ratings/valid: user entry 3 has 2, expected 0 or 1");
  write_in_parts(path_, example(), {0, 4});
  const auto overwrite = [&]<class T>(const std::string& name, int64_t at, T value) {
    auto file = Hdf5File::update(path_, ErrorKind::data);
    file.write_part<T>(name, at, std::span<const T>(&value, 1));
    file.close();
  };
  overwrite("/ratings/value", 4, 5.5F);
  EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }),
              HasSubstr("the ratings of user entry 2 are damaged"));
  EXPECT_EQ(read_dataset_file(path_, {0, 2}).part.users(), 2) << "the other slice reads none of the damage";
  overwrite("/ratings/offsets", 2, int64_t{1});
  EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }),
              HasSubstr("/ratings/offsets: must rise from 0 to 6; falls after entry 1"));
  overwrite("/users/id", 1, int64_t{-3});
  EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }),
              HasSubstr("/users/id: ids must ascend without repeats; entries 0 and 1 do not"));
}

TEST_F(DatasetFile, EveryCutIsNoticed) {
  write_in_parts(path_, example(), {0, 4});
  for (const auto size :
       {fs::file_size(path_) - 1, fs::file_size(path_) / 2, std::uintmax_t{1}, std::uintmax_t{0}}) {
    fs::resize_file(path_, size);
    EXPECT_THAT(error_of([&] { read_dataset_file(path_, {}); }), HasSubstr(path_));
  }
}

TEST_F(DatasetFile, H5pySeesWhatIsMeant) {
  if (std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3-h5py is not installed";
  write_in_parts(path_, example(), {0, 1, 4});
  const std::string command =
      "/usr/bin/python3 " NCF_SOURCE_DIR "/tests/data/read_dataset_with_h5py.py " + path_;
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace ncf
