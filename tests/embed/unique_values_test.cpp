// All ways of finding distinct values against std::set.
#include "ncf/embed/unique_values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

void expect_unique(UniqueValues& unique, const std::vector<int32_t>& values, int64_t bound) {
  unique.find(values, bound);
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
      expect_unique(unique, values, bound);
      std::ranges::sort(values);  // as users come
      expect_unique(unique, values, bound);
      if (count > 1) std::swap(values[count - 1], values[count - 2]);
      expect_unique(unique, values, bound);
    }
}

}  // namespace
}  // namespace ncf
