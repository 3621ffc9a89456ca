// All ways of finding distinct values against std::set.
#include "ncf/embed/unique_values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

void expect_unique(UniqueValues& unique, const std::vector<int32_t>& values, int64_t bound, int64_t group) {
  unique.find(values, bound, group);
  const std::set<int32_t> expected(values.begin(), values.end());
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), unique.values().begin(), unique.values().end()));
  ASSERT_EQ(unique.slots().size(), values.size());
  for (std::size_t k = 0; k < values.size(); ++k)
    ASSERT_EQ(unique.values()[static_cast<std::size_t>(unique.slots()[k])], values[k]);
}

TEST(UniqueValues, AreThoseOfASet) {
  UniqueValues unique;
  // From a few possible values, which are marked, to many, which are sorted.
  for (const int64_t bound :
       {int64_t{1}, int64_t{63}, int64_t{64}, int64_t{1000}, int64_t{1'000'000}, int64_t{2'147'483'000}})
    for (const std::size_t count : {0UL, 1UL, 5UL, 300UL, 5000UL}) {
      std::vector<int32_t> values(count);
      for (std::size_t k = 0; k < count; ++k)
        values[k] = static_cast<int32_t>(random_below(static_cast<uint64_t>(bound), 1, Purpose::synthetic,
                                                      static_cast<uint64_t>(bound), k));
      if (count > 1) values[0] = static_cast<int32_t>(bound - 1);
      expect_unique(unique, values, bound, bound);
      std::ranges::sort(values);  // as users come
      expect_unique(unique, values, bound, bound);
      if (count > 1) std::swap(values[count - 1], values[count - 2]);
      expect_unique(unique, values, bound, bound);
    }
}

std::vector<int32_t> ascending(int64_t first, int64_t end, std::size_t count, uint64_t stream) {
  std::vector<int32_t> values(count);
  for (std::size_t k = 0; k < count; ++k)
    values[k] =
        static_cast<int32_t>(first + static_cast<int64_t>(random_below(static_cast<uint64_t>(end - first), 2,
                                                                       Purpose::synthetic, stream, k)));
  std::ranges::sort(values);
  return values;
}

/// Samples of three holders of ranges of users, each with those of the owners 0, 1 and 2 in turn: nine
/// pieces, which are apart, or, where a holder has users of another's range, are not.
TEST(UniqueValues, OfPiecesOneAfterTheOther) {
  UniqueValues unique;
  constexpr int64_t group = 1'000'000;
  for (const bool apart : {true, false}) {
    std::vector<int32_t> values;
    for (const int64_t holder : {0, 1, 2})
      for (const int64_t owner : {0, 1, 2}) {
        const int64_t first = owner * group + (apart ? holder * 1000 : 0);
        std::ranges::copy(ascending(first, first + 1001, owner == 1 ? 700 : 20, 10),
                          std::back_inserter(values));
      }
    expect_unique(unique, values, 3 * group, group);
    expect_unique(unique, values, 3 * group, 3 * group);
  }
}

/// What two ranks ask of one: all its users, and a few, among them one before all, one after, and one of
/// both.
TEST(UniqueValues, OfALongPieceAndAShortOne) {
  UniqueValues unique;
  for (const std::size_t few : {1, 30, 300}) {
    std::vector<int32_t> values = ascending(100, 999'000, 2000, 1);
    const int32_t both = values[77];
    const auto more = ascending(100, 999'000, few, 2);
    values.push_back(7);
    std::ranges::copy(more, std::back_inserter(values));
    std::ranges::sort(values.begin() + 2000, values.end());
    values.push_back(999'999);
    expect_unique(unique, values, 1'000'000, 1'000'000);
    values.push_back(both);
    expect_unique(unique, values, 1'000'000, 1'000'000);
    std::ranges::rotate(values, values.begin() + 2000);  // the short ones first
    expect_unique(unique, values, 1'000'000, 1'000'000);
  }
}

}  // namespace
}  // namespace ncf
