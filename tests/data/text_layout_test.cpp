#include "ncf/data/text_layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ncf/util/error.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

using namespace ncf;
using namespace ncf::testing;
using ::testing::HasSubstr;

namespace {

using Key = std::string CsvConfig::*;
constexpr Key user = &CsvConfig::user, item = &CsvConfig::item, rating = &CsvConfig::rating,
              when = &CsvConfig::time, header = &CsvConfig::header, separator = &CsvConfig::separator;

/// The defaults but for these keys.
CsvConfig csv(std::initializer_list<std::pair<Key, const char*>> keys) {
  CsvConfig config;
  for (const auto& [key, value] : keys) config.*key = value;
  return config;
}

class TextLayoutTest : public ::testing::Test {
 protected:
  TextLayout layout(const std::string& text, const CsvConfig& keys = {},
                    DataFormat format = DataFormat::csv) {
    write_bytes(folder_ / "r", text);
    return read_layout(folder_ / "r", format, keys);
  }
  std::string error(const std::string& text, const CsvConfig& keys = {},
                    DataFormat format = DataFormat::csv) {
    std::string message = thrown_by<Error>([&] { layout(text, keys, format); });
    if (const auto at = message.find(folder_ / "r"); at != std::string::npos)
      message.replace(at, (folder_ / "r").size(), "FILE");
    return message;
  }
  TemporaryDirectory folder_;
};

TEST_F(TextLayoutTest, FindsTheSeparator) {
  EXPECT_EQ(layout("1\t2\t3\n").line.separator, "\t");
  EXPECT_EQ(layout("1::2::3\n").line.separator, "::");
  EXPECT_EQ(layout("1,2,3\n").line.separator, ",");
  EXPECT_EQ(layout("1;2;3\n").line.separator, ";");
  EXPECT_EQ(layout("1;2;3,5;4\n").line.separator, ";");
  EXPECT_EQ(layout("1|2|3\n").line.separator, "|");
  EXPECT_EQ(layout("1 2 3\n").line.separator, " ");
  EXPECT_EQ(layout("the user,the item,the rating\n").line.separator, ",");
  EXPECT_EQ(layout("\"a;b;c;d\",2,3\n").line.separator, ",");
  EXPECT_EQ(layout("1#2#3\n", csv({{separator, "#"}})).line.columns, 3U);
  EXPECT_EQ(layout("1\t2\t3\n", csv({{separator, "tab"}})).line.separator, "\t");
  EXPECT_EQ(layout("1\t2\t3\n", csv({{separator, "\\t"}})).line.separator, "\t");
  EXPECT_THAT(error("one_word\n"), HasSubstr("3: FILE:1: \"one_word\": no separator found"));
  for (const char* bad : {"", "\"", "1"})
    EXPECT_THAT(error("1,2,3\n", csv({{separator, bad}})), HasSubstr("2: data.csv.separator"));
}

TEST_F(TextLayoutTest, TakesAHeaderForWhatItIs) {
  EXPECT_EQ(layout("user,item,rating\n1,2,3\n").begin, 16U);
  EXPECT_EQ(layout("\xEF\xBB\xBFuser,item,rating\r\n1,2,3\n").begin, 19U);
  EXPECT_EQ(layout("\n\nuser,item,rating\n1,2,3\n").begin, 18U);
  EXPECT_EQ(layout("1,2,3\n").begin, 0U);
  EXPECT_EQ(layout("\xEF\xBB\xBF"
                   "1,2,3\n")
                .begin,
            3U);
  EXPECT_EQ(layout("ann,film,3\n").begin, 0U);
  EXPECT_EQ(layout("1,2,bad\n").begin, 0U) << "a bad first line is not a header";
  EXPECT_EQ(layout("ann,film,nan\n").begin, 0U);
  EXPECT_EQ(layout("ann,film,good\n", csv({{header, "no"}})).begin, 0U);
  EXPECT_EQ(layout("1,2,3\n", csv({{header, "yes"}})).begin, 5U);
}

TEST_F(TextLayoutTest, FindsColumnsByNameOrNumber) {
  const CsvConfig named = csv({{user, "user_id"}, {item, "book_id"}, {rating, "rating"}, {when, "4"}});
  const RatingLayout found = layout("book_id,user_id,rating,when,x\n", named).line;
  EXPECT_EQ(found.user, 1U);
  EXPECT_EQ(found.item, 0U);
  EXPECT_EQ(found.rating, 2U);
  EXPECT_EQ(found.time, 3);
  EXPECT_EQ(found.columns, 5U);
  EXPECT_EQ(layout("1,2,3,4\n").line.time, -1);
}

TEST_F(TextLayoutTest, SaysWhichColumnIsNotThere) {
  EXPECT_EQ(error("user,film,rating\n", csv({{item, "item"}})),
            "2: data.csv.item: no column is named \"item\" in FILE:1, which has user, film, rating");
  EXPECT_EQ(error("1,2\n"), "3: FILE:1: \"1,2\": 2 columns, but data.csv.rating is column 3");
  EXPECT_EQ(error("1,2,3\n", csv({{when, "4"}})),
            "3: FILE:1: \"1,2,3\": 3 columns, but data.csv.time is column 4");
  EXPECT_THAT(error("1,2,3\n", csv({{user, "0"}})),
              HasSubstr("2: data.csv.user: columns are numbered from 1"));
  EXPECT_THAT(error("1,2,3\n", csv({{user, ""}})), HasSubstr("2: data.csv.user: is empty"));
  EXPECT_THAT(error("u,i,r\n", csv({{user, "u"}, {item, "1"}})),
              HasSubstr("2: data.csv: user, item, rating and time"));
  EXPECT_THAT(error("u,i,r\n", csv({{user, "u"}, {header, "no"}})), HasSubstr("2: data.csv.header: no, but"));
  EXPECT_THAT(error("u,i,r\n", csv({{header, "maybe"}})), HasSubstr("2: data.csv.header: \"maybe\""));
  EXPECT_EQ(error("a,\"b,3\n"), "3: FILE:1: \"a,\\\"b,3\": a quote is opened and not closed");
}

TEST_F(TextLayoutTest, RefusesToTrainOnItemsAsUsers) {
  EXPECT_THAT(
      error("book_id,user_id,rating\n1,2,3\n"),
      HasSubstr("2: data.csv.user is column 1 (\"book_id\"), but column 2 of FILE is named \"user_id\""));
  EXPECT_EQ(layout("book_id,user_id,rating\n1,2,3\n", csv({{user, "book_id"}})).line.user, 0U)
      << "said by name: meant";
  EXPECT_EQ(layout("userId,user_name,rating\n1,2,3\n").line.user, 0U);
}

TEST_F(TextLayoutTest, KnowsTheFixedFormats) {
  const RatingLayout u_data = layout("1\t2\t3\t4\n", {}, DataFormat::movielens_100k).line;
  EXPECT_EQ(u_data.columns, 4U);
  EXPECT_EQ(u_data.time, 3);
  EXPECT_EQ(layout("1::2::3\n", {}, DataFormat::movielens_dat).line.time, -1);
  EXPECT_EQ(layout("1::2::3::4\n", {}, DataFormat::movielens_dat).line.time, 3);
  EXPECT_EQ(layout("1::2\n", {}, DataFormat::movielens_dat).line.columns, 4U);
  const RatingLayout movies = layout("userId,movieId,rating,timestamp\n", {}, DataFormat::movielens_csv).line;
  EXPECT_EQ(movies.time, 3);
  EXPECT_EQ(layout("rating,userId,movieId\n", {}, DataFormat::movielens_csv).line.user, 1U);
  EXPECT_THAT(error("1,2,3\n", {}, DataFormat::movielens_csv),
              HasSubstr("needs a header with userId, movieId, rating"));
}

TEST_F(TextLayoutTest, RefusesWhatHasNoLine) {
  for (const char* text : {"", "\n\n", "\xEF\xBB\xBF", "  \r\n"})
    EXPECT_EQ(error(text), "3: FILE: holds no ratings, it is empty or blank");
  EXPECT_THAT(error(std::string("\xFF\xFE"
                                "1\0,\0",
                                6)),
              HasSubstr("3: FILE: is UTF-16 text"));
}

}  // namespace
