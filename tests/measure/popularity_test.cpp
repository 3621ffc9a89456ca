#include "ncf/measure/popularity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "ncf/data/permutation.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"

namespace ncf {
namespace {

DataConfig long_tailed() {
  DataConfig config;
  config.synthetic.users = 400, config.synthetic.items = 300, config.synthetic.ratings = 12'000;
  config.vocabulary = VocabularyKind::all;
  return config;
}

TEST(Popularity, CountsTheTrainingRatingsOfAllRanks) {
  Communicator comm = Communicator::world();
  const DataConfig config = long_tailed();
  const TrainingData data = make_training_data(load_dataset(config, 7, comm), config, 7, comm);
  const Popularity p = popularity_of(data, comm);
  EXPECT_EQ(p.train, 9600);
  EXPECT_EQ(p.valid, 2400);
  ASSERT_EQ(p.users.size(), 401U);
  ASSERT_EQ(p.items.size(), 301U);
  EXPECT_EQ(std::accumulate(p.users.begin(), p.users.end(), 0.0), 9600);
  EXPECT_EQ(std::accumulate(p.items.begin(), p.items.end(), 0.0), 9600);
  for (const Sample& s : data.train.rows) ASSERT_GT(p.users[static_cast<std::size_t>(s.user)], 0);
}

/// Batches as training draws them, from the epoch's order.
TEST(Popularity, ExpectedUniqueRowsAreThoseThatBatchesHave) {
  Communicator comm = Communicator::self();
  const DataConfig config = long_tailed();
  const TrainingData data = make_training_data(load_dataset(config, 7, comm), config, 7, comm);
  const Popularity p = popularity_of(data, comm);
  for (const int64_t batch : {1, 30, 1000, 9600}) {
    double users = 0, items = 0, users_squared = 0, items_squared = 0;
    constexpr int trials = 100;
    for (uint64_t trial = 0; trial < trials; ++trial) {
      const Permutation order(9600, 5, Purpose::epoch_order, trial);
      std::set<int32_t> u, i;
      for (int64_t k = 0; k < batch; ++k) {
        const Sample& s = data.train.rows[order.inverse(static_cast<uint64_t>(k))];
        u.insert(s.user);
        i.insert(s.item);
      }
      const auto different_users = static_cast<double>(u.size()),
                 different_items = static_cast<double>(i.size());
      users += different_users / trials;
      items += different_items / trials;
      users_squared += different_users * different_users / trials;
      items_squared += different_items * different_items / trials;
    }
    // Five standard errors of the mean over the trials, and what taking the middle factor may cost.
    const auto slack = [](double mean, double squared) {
      return 5 * std::sqrt(std::max(0.0, squared - mean * mean) / trials) + 1e-4;
    };
    const auto n = static_cast<double>(batch);
    EXPECT_NEAR(expected_unique(p.users, 9600, n), users, slack(users, users_squared)) << batch;
    EXPECT_NEAR(expected_unique(p.items, 9600, n), items, slack(items, items_squared)) << batch;
  }
}

TEST(Popularity, SyntheticOnesAreForeseenWithoutDrawing) {
  Communicator comm = Communicator::self();
  const DataConfig config = long_tailed();
  const TrainingData data = make_training_data(load_dataset(config, 7, comm), config, 7, comm);
  const Popularity drawn = popularity_of(data, comm), foreseen = expected_popularity(config, 7);
  EXPECT_EQ(foreseen.train, 9600);
  EXPECT_EQ(foreseen.valid, 2400);
  EXPECT_EQ(foreseen.known_users, 400);
  ASSERT_EQ(foreseen.users.size(), drawn.users.size());
  ASSERT_EQ(foreseen.items.size(), drawn.items.size());
  for (const double n : {64.0, 1000.0, 5000.0}) {
    EXPECT_NEAR(expected_unique(foreseen.users, 9600, n) / expected_unique(drawn.users, 9600, n), 1, 0.02)
        << n;
    EXPECT_NEAR(expected_unique(foreseen.items, 9600, n) / expected_unique(drawn.items, 9600, n), 1, 0.05)
        << n;
  }
}

TEST(Popularity, TheVocabularyIsWhatTheSplitLeaves) {
  Communicator comm = Communicator::self();
  DataConfig config = long_tailed();
  config.vocabulary = VocabularyKind::train;
  config.synthetic.ratings = 1500;
  const TrainingData data = make_training_data(load_dataset(config, 7, comm), config, 7, comm);
  const Popularity foreseen = expected_popularity(config, 7), drawn = popularity_of(data, comm);
  EXPECT_LT(drawn.known_users, 395);
  EXPECT_NEAR(foreseen.known_users, drawn.known_users, 0.03 * drawn.known_users);
  EXPECT_NEAR(foreseen.known_items, drawn.known_items, 0.05 * drawn.known_items);
}

}  // namespace
}  // namespace ncf
