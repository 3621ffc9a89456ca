#include "ncf/config/duration.hpp"

#include <gtest/gtest.h>

namespace ncf {
namespace {

TEST(Duration, HoursMinutesSeconds) {
  EXPECT_EQ(parse_duration("00:00:01"), 1);
  EXPECT_EQ(parse_duration("03:55:00"), 3 * 3600 + 55 * 60);
  EXPECT_EQ(parse_duration("1:59:59"), 7199);
  EXPECT_EQ(parse_duration("168:00:00"), 168 * 3600);
  EXPECT_EQ(parse_duration("999999999:59:59"), 999999999LL * 3600 + 3599);
}

TEST(Duration, AnythingElseIsNone) {
  for (const char* text : {"",         "0",        "90",       "55:00",     "00:00:00",
                           "0:00:00",  ":00:01",   "-1:00:00", "+1:00:00",  "1:60:00",
                           "1:00:60",  "1:0:00",   "1:00:0",   "1:2:00:00", "1-00:00:00",
                           " 1:00:00", "1:00:00 ", "1:-1:00",  "1:00:-1",   "1:+1:00",
                           "1:00:1x",  "x:00:01",  "01h00:00", "1.5:00:00", "9999999999:00:00",
                           "1:00;00"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << "'" << text << "'";
}

}  // namespace
}  // namespace ncf
