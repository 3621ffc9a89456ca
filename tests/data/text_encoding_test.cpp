#include "ncf/data/text_encoding.hpp"

#include <gtest/gtest.h>

using namespace ncf;

namespace {

TEST(Utf8, IsTold) {
  for (const char* text : {"", "plain", "Amélie", "七人の侍", "😀", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text :
       {"Am\xE9lie", "\x80", "\xC0\x80", "\xC3", "caf\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xE4\xB8",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3(", "\xFF"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

TEST(Utf8, IsMadeOfLatin1) {
  EXPECT_EQ(utf8_from_latin1("Am\xE9lie \xA9 \xFF"), "Amélie © ÿ");
  EXPECT_EQ(utf8_from_latin1("plain"), "plain");
}

}  // namespace
