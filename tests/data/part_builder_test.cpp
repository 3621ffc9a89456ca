#include "ncf/data/part_builder.hpp"

#include <gtest/gtest.h>

using namespace ncf;

namespace {

using Items = std::vector<int32_t>;
using Values = std::vector<float>;

RawRating row(int32_t user, int32_t item, float value, uint64_t place, uint32_t valid = 0, int64_t time = 0) {
  return {.user = user, .item = item, .value = value, .valid = valid, .time = time, .place = place};
}

TEST(PartBuilder, SortsByUserAndItem) {
  const BuiltPart built = build_part({row(7, 2, 1, 0), row(5, 9, 2, 1), row(7, 0, 3, 2), row(5, 3, 4, 3)}, 5,
                                     9, Duplicates::last, false, false);
  EXPECT_EQ(built.part.first_user, 5);
  EXPECT_EQ(built.part.users(), 4);
  EXPECT_EQ(built.part.offsets, (std::vector<int64_t>{0, 2, 2, 4, 4}));
  EXPECT_EQ(built.part.items, (Items{3, 9, 0, 2}));
  EXPECT_EQ(built.part.values, (Values{4, 2, 3, 1}));
  EXPECT_TRUE(built.part.times.empty());
  EXPECT_TRUE(built.part.valid.empty());
  EXPECT_EQ(built.repeated, 0);
}

TEST(PartBuilder, NothingIsAPart) {
  EXPECT_EQ(build_part({}, 3, 3, Duplicates::error, true, true).part.offsets, (std::vector<int64_t>{0}));
  EXPECT_EQ(build_part({}, 3, 5, Duplicates::error, true, true).part.offsets,
            (std::vector<int64_t>{0, 0, 0}));
}

/// In the order of the file, whatever order the ranks deliver.
TEST(PartBuilder, ResolvesRepeatedPairs) {
  const std::vector<RawRating> rows{row(0, 1, 5, 30, 0, 100), row(0, 1, 2, 10, 0, 300),
                                    row(0, 2, 1, 15, 0, 7), row(0, 1, 4, 20, 0, 200)};
  const auto with = [&](Duplicates d) { return build_part(rows, 0, 1, d, true, false); };
  EXPECT_EQ(with(Duplicates::last).part.values, (Values{5, 1}));
  EXPECT_EQ(with(Duplicates::last).part.times, (std::vector<int64_t>{100, 7}));
  EXPECT_EQ(with(Duplicates::first).part.values, (Values{2, 1}));
  EXPECT_EQ(with(Duplicates::first).part.times, (std::vector<int64_t>{300, 7}));
  EXPECT_EQ(with(Duplicates::mean).part.values, (Values{11.0F / 3, 1}));
  EXPECT_EQ(with(Duplicates::mean).part.times, (std::vector<int64_t>{300, 7}));
  for (const Duplicates d : {Duplicates::last, Duplicates::first, Duplicates::mean})
    EXPECT_EQ(with(d).repeated, 2);
  const BuiltPart failed = with(Duplicates::error);
  ASSERT_TRUE(failed.repeat);
  EXPECT_EQ(failed.repeat->first.place, 10U);
  EXPECT_EQ(failed.repeat->second.place, 20U);
}

TEST(PartBuilder, APairOfBothFilesOnlyValidates) {
  const std::vector<RawRating> rows{row(0, 1, 5, 99), row(0, 1, 3, 10, 1), row(0, 2, 4, 50),
                                    row(0, 3, 2, 20, 1)};
  for (const Duplicates d : {Duplicates::last, Duplicates::first, Duplicates::mean, Duplicates::error}) {
    const BuiltPart built = build_part(rows, 0, 1, d, false, true);
    EXPECT_FALSE(built.repeat);
    EXPECT_EQ(built.part.items, (Items{1, 2, 3}));
    EXPECT_EQ(built.part.values, (Values{3, 4, 2}));
    EXPECT_EQ(built.part.valid, (std::vector<uint8_t>{1, 0, 1}));
    EXPECT_EQ(built.in_both, 1);
    EXPECT_EQ(built.repeated, 0);
  }
}

}  // namespace
