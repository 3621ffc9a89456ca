#include "ncf/data/ids.hpp"

#include <gtest/gtest.h>

#include "ncf/data/vocabulary.hpp"

using namespace ncf;

namespace {

TEST(CanonicalInteger, TakesOnlyWhatSurvivesARoundTrip) {
  for (const char* text : {"0", "7", "-1", "123456789012345678", "999999999999999999", "1000000000000000000",
                           "9223372036854775807", "-9223372036854775808"}) {
    ASSERT_TRUE(canonical_integer(text)) << text;
    EXPECT_EQ(std::to_string(*canonical_integer(text)), text);
  }
  for (const char* text : {"", "-", "-0", "00", "007", "-07", "+7", " 7", "7 ", "7.0", "1e3", "0x1", "a",
                           "--1", "9223372036854775808", "-9223372036854775809", "99999999999999999999"})
    EXPECT_FALSE(canonical_integer(text)) << text;
}

TEST(IdSet, NumbersIdsByFirstAppearance) {
  IdSet set;
  const std::vector<std::string> ids{"5", "-3", "5000000", "5", "99999999999", "5000000", "-3"};
  const std::vector<int32_t> numbers{0, 1, 2, 0, 3, 2, 1};
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(set.add(ids[i]), numbers[i]);
  EXPECT_TRUE(set.all_integers());
  EXPECT_EQ(set.integers(), (std::vector<int64_t>{5, -3, 5000000, 99999999999}));
  EXPECT_EQ(set.add("05"), 4);
  EXPECT_EQ(set.add("5"), 0);
  EXPECT_EQ(set.add("05"), 4);
  EXPECT_FALSE(set.all_integers());
  EXPECT_EQ(set.texts(), (std::vector<std::string>{"5", "-3", "5000000", "99999999999", "05"}));
}

TEST(IdSet, KeepsTextsWhereManyAreAdded) {  // keys must not move when storage grows
  IdSet set;
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(set.add("id" + std::to_string(i)), i);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(set.add("id" + std::to_string(i)), i);
}

TEST(IdSet, FindsItsIdsInAVocabulary) {
  IdSet set;
  for (const char* id : {"20", "3", "100"}) set.add(id);
  EXPECT_EQ(set.indices_in(make_vocabulary(std::vector<int64_t>{100, 3, 7, 20, 3})),
            (std::vector<int32_t>{2, 0, 3}));
  EXPECT_EQ(set.indices_in(make_vocabulary(std::vector<std::string>{"x", "20", "3", "100"})),
            (std::vector<int32_t>{1, 2, 0}));
}

TEST(Vocabulary, SortsIntegersByValueAndTextsByBytes) {
  const Vocabulary numbers = make_vocabulary(std::vector<int64_t>{10, 9, -1, 10});
  EXPECT_TRUE(numbers.integers());
  EXPECT_EQ(numbers.size(), 3);
  EXPECT_EQ(numbers.text(0), "-1");
  EXPECT_EQ(numbers.text(2), "10");
  const Vocabulary texts = make_vocabulary(std::vector<std::string>{"b", "10", "9", "B", "10"});
  EXPECT_FALSE(texts.integers());
  EXPECT_EQ(texts.size(), 4);
  EXPECT_EQ(texts.text(0), "10");
  EXPECT_EQ(texts.text(2), "B");
}

TEST(Vocabulary, FindsByText) {
  const Vocabulary numbers = make_vocabulary(std::vector<int64_t>{10, 9});
  EXPECT_EQ(numbers.find("9"), 0);
  EXPECT_EQ(numbers.find("10"), 1);
  for (const char* absent : {"11", "010", "x", ""}) EXPECT_EQ(numbers.find(absent), -1) << absent;
  const Vocabulary texts = make_vocabulary(std::vector<std::string>{"0000091", "tt1"});
  EXPECT_EQ(texts.find("0000091"), 0);
  EXPECT_EQ(texts.find("91"), -1);
  EXPECT_EQ(Vocabulary{}.find("1"), -1);
}

TEST(Vocabulary, SubsetKeepsOrderAndKind) {
  const Vocabulary some = make_vocabulary(std::vector<std::string>{"1", "2", "x"}).subset({0, 2});
  EXPECT_FALSE(some.integers());
  EXPECT_EQ(some.size(), 2);
  EXPECT_EQ(some.text(1), "x");
  EXPECT_EQ(make_vocabulary(std::vector<int64_t>{5, 6}).subset({1}).text(0), "6");
  EXPECT_EQ(make_vocabulary(std::vector<int64_t>{5, 6}).subset({}).size(), 0);
}

}  // namespace
