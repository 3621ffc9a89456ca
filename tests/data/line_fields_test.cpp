#include "ncf/data/line_fields.hpp"

#include <gtest/gtest.h>

using namespace ncf;

namespace {

using Texts = std::vector<std::string>;

/// The fields, or the problem as the only text.
Texts fields_of(std::string_view line, std::string_view separator, bool quotes = true) {
  LineFields fields;
  if (const char* problem = fields.split(line, separator, quotes)) return {std::string("! ") + problem};
  Texts out;
  for (std::size_t c = 0; c < fields.size(); ++c) out.emplace_back(fields[c]);
  return out;
}

TEST(LineFields, CutsAtTheSeparator) {
  EXPECT_EQ(fields_of("1\t2\t3", "\t"), (Texts{"1", "2", "3"}));
  EXPECT_EQ(fields_of("1::2::3", "::"), (Texts{"1", "2", "3"}));
  EXPECT_EQ(fields_of("a:b::c", "::"), (Texts{"a:b", "c"}));
  EXPECT_EQ(fields_of(":::", "::"), (Texts{"", ":"}));
  EXPECT_EQ(fields_of("", ","), (Texts{""}));
  EXPECT_EQ(fields_of(",,", ","), (Texts{"", "", ""}));
}

TEST(LineFields, DropsSpacesAround) {
  EXPECT_EQ(fields_of(" 1 , a b ,3 ", ","), (Texts{"1", "a b", "3"}));
}

TEST(LineFields, TakesARunOfSpacesAsOneSeparator) {
  EXPECT_EQ(fields_of("  1   2 3  ", " "), (Texts{"1", "2", "3"}));
  EXPECT_EQ(fields_of("1   \"a b\"  3", " "), (Texts{"1", "a b", "3"}));
}

TEST(LineFields, UnquotesWhereQuotesCount) {
  EXPECT_EQ(fields_of(R"(1,"Me, Myself & I",3)", ","), (Texts{"1", "Me, Myself & I", "3"}));
  EXPECT_EQ(fields_of(R"(1,"say ""yes""",3)", ","), (Texts{"1", "say \"yes\"", "3"}));
  EXPECT_EQ(fields_of(R"("","a", "b" ,)", ","), (Texts{"", "a", "b", ""}));
  EXPECT_EQ(fields_of(R"("""")", ","), (Texts{"\""}));
  EXPECT_EQ(fields_of(R"(5" disk,x)", ","), (Texts{"5\" disk", "x"}));
  EXPECT_EQ(fields_of(R"(1::"a::b")", "::"), (Texts{"1", "a::b"}));
  EXPECT_EQ(fields_of(R"(1::"a::b")", "::", false), (Texts{"1", "\"a", "b\""}));
}

TEST(LineFields, SaysWhatIsWrongWithQuotes) {
  EXPECT_EQ(fields_of(R"(1,"open,3)", ","), (Texts{"! a quote is opened and not closed"}));
  EXPECT_EQ(fields_of(R"(1,"open"")", ","), (Texts{"! a quote is opened and not closed"}));
  EXPECT_EQ(fields_of(R"(1,"a"b,3)", ","), (Texts{"! text follows a closed quote"}));
}

TEST(Quoted, ShowsEveryLineReadably) {
  EXPECT_EQ(in_quotes("1\t2"), "\"1\\t2\"");
  EXPECT_EQ(in_quotes("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(in_quotes(std::string_view("\x01\0x", 3)), R"("\x01\x00x")");
  EXPECT_EQ(in_quotes("Amélie"), "\"Amélie\"");
  EXPECT_EQ(in_quotes("Am\xE9lie"), "\"Am\\xe9lie\"");
}

TEST(Quoted, ShortensWithoutCuttingACharacter) {
  EXPECT_EQ(in_quotes(std::string(120, 'x')), '"' + std::string(120, 'x') + '"');
  EXPECT_EQ(in_quotes(std::string(121, 'x')), '"' + std::string(120, 'x') + "…\"");
  EXPECT_EQ(in_quotes(std::string(119, 'x') + "é and more"), '"' + std::string(119, 'x') + "…\"");
}

TEST(MalformedLine, SaysWhereAndWhat) {
  const Error error = malformed_line("dir/u.data", 7, "1\t2", "too short");
  EXPECT_STREQ(error.what(), R"(dir/u.data:7: "1\t2": too short)");
  EXPECT_EQ(error.kind(), ErrorKind::data);
}

}  // namespace
