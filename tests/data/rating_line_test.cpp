#include "ncf/data/rating_line.hpp"

#include <gtest/gtest.h>

using namespace ncf;

namespace {

const RatingLayout tabs{.separator = "\t", .columns = 4, .time = 3};
const RatingLayout commas{.separator = ",", .quotes = true, .columns = 3};

std::string problem_of(std::string_view line, const RatingLayout& layout) {
  LineFields fields;
  RatingLine out;
  return parse_rating_line(line, layout, fields, out);
}

TEST(RatingLine, ReadsColumnsWhereverTheyAre) {
  LineFields fields;
  RatingLine out;
  ASSERT_EQ(parse_rating_line("196\t242\t3\t881250949", tabs, fields, out), "");
  EXPECT_EQ(out.user, "196");
  EXPECT_EQ(out.item, "242");
  EXPECT_EQ(out.rating, 3.0F);
  EXPECT_EQ(out.time, 881250949);
  const RatingLayout turned{
      .separator = ",", .quotes = true, .columns = 5, .user = 4, .item = 0, .rating = 2, .time = 3};
  ASSERT_EQ(parse_rating_line(R"("a, b",?,-2.5e0,-7, u 1 )", turned, fields, out), "");
  EXPECT_EQ(out.user, "u 1");
  EXPECT_EQ(out.item, "a, b");
  EXPECT_EQ(out.rating, -2.5F);
  EXPECT_EQ(out.time, -7);
}

TEST(RatingLine, ReadsEveryWayToWriteANumber) {
  LineFields fields;
  RatingLine out;
  for (const auto& [text, value] : std::vector<std::pair<std::string, float>>{{"0", 0},
                                                                              {"9", 9},
                                                                              {"10", 10},
                                                                              {"3.5", 3.5F},
                                                                              {".5", 0.5F},
                                                                              {"4.", 4},
                                                                              {"-9.95", -9.95F},
                                                                              {"1e-3", 1e-3F}}) {
    ASSERT_EQ(parse_rating_line("1,2," + text, commas, fields, out), "") << text;
    EXPECT_EQ(out.rating, value) << text;
  }
}

TEST(RatingLine, SaysWhatIsWrongAndWhatWasExpected) {
  EXPECT_EQ(problem_of("1\t2\t3", tabs), "3 columns, expected 4 separated by tabs");
  EXPECT_EQ(problem_of("1\t2\t3\t4\t5", tabs), "5 columns, expected 4 separated by tabs");
  EXPECT_EQ(problem_of("1 2 3 4", tabs), "1 column, expected 4 separated by tabs");
  EXPECT_EQ(problem_of("\t2\t3\t4", tabs), "the user (column 1) is empty, expected an id");
  EXPECT_EQ(problem_of("1,,3", commas), "the item (column 2) is empty, expected an id");
  EXPECT_EQ(problem_of("1,2,", commas), "the rating (column 3) is empty, expected a finite number");
  for (const std::string bad :
       {"good", "nan", "NaN", "inf", "-inf", "1e99", "3,5x", "3 5", "0x10", "+3", "3.5.1"})
    EXPECT_EQ(problem_of("1,2,\"" + bad + "\"", commas),
              "the rating (column 3) is \"" + bad + "\", expected a finite number");
  EXPECT_EQ(problem_of("1\t2\t3\tnoon", tabs),
            "the time (column 4) is \"noon\", expected whole seconds since 1970");
  EXPECT_EQ(problem_of("1\t2\t3\t4.5", tabs),
            "the time (column 4) is \"4.5\", expected whole seconds since 1970");
  EXPECT_EQ(problem_of("1,\"2,3", commas), "a quote is opened and not closed");
}

TEST(RatingLine, TellsNumbersFromNames) {
  for (const char* number : {"1", "-2.5", "nan", "inf", "1e999"})
    EXPECT_TRUE(looks_like_number(number)) << number;
  for (const char* name : {"rating", "", "1st", "1 2"}) EXPECT_FALSE(looks_like_number(name)) << name;
}

}  // namespace
