#include "ncf/data/synthetic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ncf/data/split.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/random.hpp"
#include "support/text_files.hpp"

using namespace ncf;
using ncf::testing::thrown_by;

namespace {

SyntheticConfig sized(int64_t users, int64_t items, int64_t ratings) {
  SyntheticConfig config;
  config.users = users;
  config.items = items;
  config.ratings = ratings;
  return config;
}

/// The parts of all slices, one after another.
RatingsPart joined(const SyntheticConfig& config, uint64_t seed, int64_t world) {
  RatingsPart all;
  all.offsets.push_back(0);
  for (int64_t rank = 0; rank < world; ++rank) {
    const RatingsPart part = synthetic_dataset(config, seed, {rank, world}).part;
    EXPECT_EQ(part.first_row, all.rows());
    EXPECT_EQ(part.first_user, all.users());
    for (int64_t u = 1; u <= part.users(); ++u)
      all.offsets.push_back(part.first_row + part.offsets[static_cast<std::size_t>(u)]);
    all.items.insert(all.items.end(), part.items.begin(), part.items.end());
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    all.times.insert(all.times.end(), part.times.begin(), part.times.end());
  }
  return all;
}

TEST(Synthetic, HasExactlyTheRatingsAskedForAllDifferent) {
  for (const SyntheticConfig& config : {sized(1, 1, 1), sized(3, 5, 15), sized(3, 5, 14), sized(50, 3, 60),
                                        sized(10, 1000, 11), sized(40, 60, 300), sized(10, 20, 3),
                                        sized(1, 500, 499), sized(500, 1, 500), sized(100, 100, 9999)}) {
    const RatingsPart part = joined(config, 1, 1);
    ASSERT_EQ(part.users(), config.users);
    ASSERT_EQ(part.rows(), config.ratings);
    for (std::size_t u = 0; u + 1 < part.offsets.size(); ++u) {
      if (config.ratings >= config.users) {
        EXPECT_GT(part.offsets[u + 1], part.offsets[u]) << "a user without rating";
      }
      for (auto i = static_cast<std::size_t>(part.offsets[u]);
           i < static_cast<std::size_t>(part.offsets[u + 1]); ++i) {
        ASSERT_TRUE(part.items[i] >= 0 && part.items[i] < config.items);
        if (i > static_cast<std::size_t>(part.offsets[u])) {
          ASSERT_LT(part.items[i - 1], part.items[i]);
        }
        const double halves = 2 * static_cast<double>(part.values[i]);
        ASSERT_TRUE(halves >= 2 && halves <= 10 && halves == std::floor(halves)) << part.values[i];
      }
    }
  }
}

TEST(Synthetic, IsTheSameForAnyNumberOfSlices) {
  for (const SyntheticConfig& config : {sized(60, 200, 1500), sized(5, 3, 4)}) {
    const RatingsPart one = joined(config, 9, 1);
    for (const int64_t world : {2, 3, 8, 64}) {
      const RatingsPart many = joined(config, 9, world);
      EXPECT_EQ(many.offsets, one.offsets);
      EXPECT_EQ(many.items, one.items);
      EXPECT_EQ(many.values, one.values);
      EXPECT_EQ(many.times, one.times);
    }
    EXPECT_NE(joined(config, 10, 1).items, one.items);
  }
}

TEST(Synthetic, NamesAllUsersAndItems) {
  const Dataset dataset = synthetic_dataset(sized(10, 20, 3), 1, {});
  EXPECT_EQ(dataset.users.size(), 10);
  EXPECT_EQ(dataset.items.size(), 20);
  EXPECT_EQ(dataset.items.text(19), "20");
  EXPECT_EQ(dataset.total_rows, 3);
  EXPECT_EQ(dataset.source, "synthetic");
}

TEST(Synthetic, HasLongTails) {
  const SyntheticConfig config;  // the default: ML-100K's shape
  std::vector<int64_t> activity = synthetic_activity(config, 42);
  std::sort(activity.begin(), activity.end());
  const int64_t median = activity[activity.size() / 2];
  EXPECT_GT(activity.back(), 5 * median);
  EXPECT_LT(median, config.ratings / config.users);  // 106 on average
  EXPECT_GE(activity.front(), 1);

  std::vector<int64_t> popularity(static_cast<std::size_t>(config.items));
  for (const int32_t item : joined(config, 42, 1).items) ++popularity[static_cast<std::size_t>(item)];
  std::sort(popularity.rbegin(), popularity.rend());
  const auto top = std::accumulate(popularity.begin(), popularity.begin() + 168, int64_t{0});  // a tenth
  EXPECT_GT(top, config.ratings * 3 / 10);
  EXPECT_LT(popularity[1000], 50);
}

/// Both ways to draw items follow the same popularity: users of few and of many ratings like the same items.
TEST(Synthetic, DrawsPopularItemsOftenerInEitherWay) {
  const RatingsPart part = joined(sized(2000, 400, 80000), 3, 1);
  std::vector<double> few(400), many(400);
  for (std::size_t u = 0; u + 1 < part.offsets.size(); ++u) {
    const int64_t count = part.offsets[u + 1] - part.offsets[u];
    for (auto i = part.offsets[u]; i < part.offsets[u + 1]; ++i)
      (count > 50 ? many : few)[static_cast<std::size_t>(part.items[static_cast<std::size_t>(i)])] += 1;
  }
  const auto mean = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / 400;
  };
  double covariance = 0, few_variance = 0, many_variance = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const double a = few[i] - mean(few), b = many[i] - mean(many);
    covariance += a * b;
    few_variance += a * a;
    many_variance += b * b;
  }
  EXPECT_GT(covariance / std::sqrt(few_variance * many_variance), 0.9);
}

TEST(Synthetic, RefusesTheImpossible) {
  const auto error = [](const SyntheticConfig& c) {
    return thrown_by<Error>([&] { synthetic_dataset(c, 1, {}); });
  };
  EXPECT_EQ(error(sized(3, 5, 16)),
            "2: data.synthetic: 16 ratings, but 3 users and 5 items make only 15 different pairs");
  EXPECT_THAT(error(sized(0, 5, 1)), ::testing::HasSubstr("must be at least 1"));
  EXPECT_THAT(error(sized(1, 1, 0)), ::testing::HasSubstr("must be at least 1"));
  EXPECT_THAT(error(sized(int64_t{1} << 32, 1, 1)), ::testing::HasSubstr("are supported"));
}

/// A tiny matrix factorisation by stochastic gradient descent; rank 0 is the baseline of user and item means.
double validation_rmse(const RatingsPart& part, const std::vector<uint8_t>& valid, std::size_t rank) {
  struct Side {
    double bias = 0;
    std::vector<double> taste;
  };
  const auto side = [&](std::size_t n, uint64_t table) {
    std::vector<Side> all(n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < rank; ++k)
        all[i].taste.push_back(0.1 * random_normal(1, Purpose::embedding_init, table, i * 64 + k));
    return all;
  };
  std::vector<Side> users = side(943, 0), items = side(1682, 1);
  double best = 10;
  for (int epoch = 0; epoch < 40; ++epoch) {
    double error = 0, count = 0;
    for (const bool training : {true, false}) {
      for (std::size_t u = 0; u < users.size(); ++u) {
        for (auto r = static_cast<std::size_t>(part.offsets[u]);
             r < static_cast<std::size_t>(part.offsets[u + 1]); ++r) {
          if ((valid[r] == 0) != training) continue;
          Side &p = users[u], &q = items[static_cast<std::size_t>(part.items[r])];
          const double score = 3.4 + p.bias + q.bias +
                               std::inner_product(p.taste.begin(), p.taste.end(), q.taste.begin(), 0.0);
          const double miss = static_cast<double>(part.values[r]) - score;
          if (!training) {
            error += miss * miss;
            ++count;
            continue;
          }
          constexpr double rate = 0.02, decay = 0.05;
          p.bias += rate * (miss - decay * p.bias);
          q.bias += rate * (miss - decay * q.bias);
          for (std::size_t k = 0; k < rank; ++k) {
            const double a = p.taste[k], b = q.taste[k];
            p.taste[k] += rate * (miss * b - decay * a);
            q.taste[k] += rate * (miss * a - decay * b);
          }
        }
      }
    }
    best = std::min(best, std::sqrt(error / count));
  }
  return best;
}

TEST(Synthetic, HasSomethingToLearnBeyondMeans) {
  const RatingsPart part = joined(SyntheticConfig{}, 42, 1);
  const std::vector<uint8_t> valid = validation_rows(part, part.rows(), DataConfig{}, 42);
  const double means = validation_rmse(part, valid, 0), factors = validation_rmse(part, valid, 4);
  EXPECT_LT(factors, 0.8 * means) << "means " << means << " factors " << factors;
  EXPECT_GT(factors, 0.3) << "less than the noise: a leak";
}

}  // namespace
