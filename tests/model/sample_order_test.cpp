// Samples in the order of what they turn on: against a double-precision eigenvector and a stable sort.
#include "ncf/model/sample_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "ncf/nn/layers.hpp"

namespace ncf {
namespace {

constexpr int64_t users = 19, items = 31, user_width = 5, item_width = 8, units = 12, samples = 300;

Matrix filled(int64_t rows, int64_t cols, double phase) {
  Matrix m;
  m.reshape_aligned(rows, cols);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      m.row(r)[c] = static_cast<float>(std::sin(phase + 1.7 * static_cast<double>(r * cols + c)));
  return m;
}

class SampleOrderTest : public testing::Test {
 protected:
  void SetUp() override {
    // One direction stands out, as in a layer that has learnt.
    for (int64_t u = 0; u < units; ++u)
      for (int64_t c = 0; c < weight.cols(); ++c)
        weight.row(u)[c] = 0.1F * weight.row(u)[c] +
                           static_cast<float>((u % 3 == 0 ? -1 : 1) * std::cos(static_cast<double>(c)));
    transpose(weight.view(), transposed);
    for (int64_t k = 0; k < samples; ++k) {
      user_slots.push_back(static_cast<int32_t>(k * 7 % users));
      item_slots.push_back(static_cast<int32_t>(k * k % items));
      ratings.push_back(static_cast<float>(k));  // which sample it is
    }
  }
  BatchView batch() const {
    BatchView out;
    out.users = user_rows.view();
    out.items = item_rows.view();
    out.user_slots = user_slots;
    out.item_slots = item_slots;
    out.ratings = ratings;
    out.bounds = bounds;
    return out;
  }
  /// After arrange(): which sample each place has, if all of it went there together.
  std::vector<std::size_t> arranged(const BatchView& after) const {
    std::vector<std::size_t> out;
    for (std::size_t k = 0; k < samples; ++k) {
      const auto from = static_cast<std::size_t>(after.ratings[k]);
      EXPECT_EQ(after.user_slots[k], user_slots[from]);
      EXPECT_EQ(after.item_slots[k], item_slots[from]);
      out.push_back(from);
    }
    return out;
  }
  std::vector<double> direction() const {
    std::vector<double> v(user_width + item_width, 1);
    for (int round = 0; round < 200; ++round) {
      std::vector<double> next(v.size(), 0);
      for (int64_t u = 0; u < units; ++u) {
        double dot = 0;
        for (std::size_t c = 0; c < v.size(); ++c) dot += static_cast<double>(weight.row(u)[c]) * v[c];
        for (std::size_t c = 0; c < v.size(); ++c) next[c] += dot * static_cast<double>(weight.row(u)[c]);
      }
      const double length = std::sqrt(std::inner_product(next.begin(), next.end(), next.begin(), 0.0));
      for (std::size_t c = 0; c < v.size(); ++c) v[c] = next[c] / length;
    }
    return v;
  }
  double score(std::size_t k, const std::vector<double>& v) const {
    double sum = 0;
    for (std::size_t c = 0; c < v.size(); ++c)
      sum += v[c] * static_cast<double>(c < user_width ? user_rows.row(user_slots[k])[c]
                                                       : item_rows.row(item_slots[k])[c - user_width]);
    return sum;
  }

  Matrix user_rows = filled(users, user_width, 1), item_rows = filled(items, item_width, 2),
         weight = filled(units, user_width + item_width, 3), transposed;
  std::vector<int32_t> user_slots, item_slots;
  std::vector<float> ratings;
  std::vector<int64_t> bounds = {0, 170, 170, samples};
  WorkerPool pool{2};
  SampleOrder order;
};

TEST_F(SampleOrderTest, FindsTheFirstSingularVector) {
  BatchView b = batch();
  order.arrange(weight.view(), transposed.view(), {b.users, b.items}, b, pool);
  const std::vector<double> expected = direction();
  const double sign = static_cast<double>(order.direction()[0]) * expected[0] < 0 ? -1 : 1;
  for (std::size_t c = 0; c < expected.size(); ++c)
    EXPECT_NEAR(sign * static_cast<double>(order.direction()[c]), expected[c], 1e-3);
}

TEST_F(SampleOrderTest, AGranulesSamplesAscendAndNoneIsLost) {
  BatchView b = batch();
  order.arrange(weight.view(), transposed.view(), {b.users, b.items}, b, pool);
  const std::vector<std::size_t> places = arranged(b);
  const std::vector<double> v(order.direction().begin(), order.direction().end());
  for (std::size_t g = 0; g + 1 < bounds.size(); ++g) {
    const auto first = places.begin() + bounds[g], end = places.begin() + bounds[g + 1];
    std::vector<std::size_t> sorted(first, end);
    std::ranges::sort(sorted);
    for (std::size_t k = 0; k < sorted.size(); ++k)
      ASSERT_EQ(sorted[k], static_cast<std::size_t>(bounds[g]) + k) << "of granule " << g;
    if (first == end) continue;
    const auto [low, high] =
        std::ranges::minmax(std::vector(first, end), {}, [&](std::size_t k) { return score(k, v); });
    const double bucket = (score(high, v) - score(low, v)) / 1023;
    for (auto k = first; k + 1 < end; ++k)
      EXPECT_LE(score(k[0], v), score(k[1], v) + 1.01 * bucket) << "granule " << g;
  }
  EXPECT_FALSE(std::ranges::is_sorted(places));
}

TEST_F(SampleOrderTest, DependsOnTheGranulesSamplesAlone) {
  BatchView whole = batch();
  order.arrange(weight.view(), transposed.view(), {whole.users, whole.items}, whole, pool);
  const std::vector<std::size_t> of_whole = arranged(whole);
  const auto cut = static_cast<std::size_t>(bounds[2]);
  BatchView last = batch();
  last.user_slots = last.user_slots.subspan(cut);
  last.item_slots = last.item_slots.subspan(cut);
  last.ratings = last.ratings.subspan(cut);
  const std::vector<int64_t> of_last = {0, samples - bounds[2]};
  last.bounds = of_last;
  SampleOrder other;
  WorkerPool alone(1);
  other.arrange(weight.view(), transposed.view(), {last.users, last.items}, last, alone);
  for (std::size_t k = 0; k < last.ratings.size(); ++k)
    EXPECT_EQ(static_cast<std::size_t>(last.ratings[k]), of_whole[cut + k]);
}

TEST_F(SampleOrderTest, LosesNoneWhereNumbersAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    user_rows.row(3)[2] = bad;
    item_rows.row(0)[0] = -bad;
    BatchView b = batch();
    order.arrange(weight.view(), transposed.view(), {b.users, b.items}, b, pool);
    std::vector<std::size_t> places = arranged(b);
    std::ranges::sort(places);
    for (std::size_t k = 0; k < samples; ++k) ASSERT_EQ(places[k], k);
  }
}

TEST_F(SampleOrderTest, KeepsTheOrderWhereNothingTellsSamplesApart) {
  weight.fill(0);
  transposed.fill(0);
  BatchView b = batch();
  order.arrange(weight.view(), transposed.view(), {b.users, b.items}, b, pool);
  const std::vector<std::size_t> places = arranged(b);
  EXPECT_TRUE(std::ranges::is_sorted(places));
}

}  // namespace
}  // namespace ncf
