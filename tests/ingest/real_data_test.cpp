// The real data sets, when they are there: their published counts, and the ids as they are written.
#include <gtest/gtest.h>

#define XXH_INLINE_ALL  // header only
#include <xxhash.h>

#include "ncf/data/side_table.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"
#include "support/shared_directory.hpp"

using namespace ncf;
using namespace ncf::testing;

namespace {

#define SKIP_WITHOUT(path) \
  if ((path).empty()) GTEST_SKIP() << "the data set is not here ($NCF_DATA or ../shared/data)"

class RealData : public ::testing::Test {
 protected:
  Dataset load(const std::string& path) {
    config_.path = path;
    return load_dataset(config_, 42, comm_);
  }
  void expect_counts(const Dataset& dataset, int64_t rows, int64_t users, int64_t items) {
    EXPECT_EQ(dataset.total_rows, rows);
    EXPECT_EQ(dataset.users.size(), users);
    EXPECT_EQ(dataset.items.size(), items);
  }
  /// Of the rows in canonical order as lines "user,item,rating,time". The expected values are from a few
  /// lines of Python that read the files with its own csv module. Collective.
  uint64_t digest(const Dataset& dataset) {
    const RatingsPart& part = dataset.part;
    std::string mine;
    for (int64_t u = 0, i = 0; u < part.users(); ++u) {
      const std::string user = dataset.users.text(part.first_user + u) + ",";
      for (; i < part.offsets[static_cast<std::size_t>(u + 1)]; ++i) {
        const auto row = static_cast<std::size_t>(i);
        mine += user + dataset.items.text(part.items[row]) + "," + std::to_string(part.values[row]) + "," +
                std::to_string(part.times.empty() ? 0 : part.times[row]) +
                (part.valid.empty() || part.valid[row] == 0 ? "\n" : "v\n");
      }
    }
    const auto all = comm_.all_gather_v(std::span<const char>(mine)).values;  // ranks are in canonical order
    return XXH3_64bits(all.data(), all.size());
  }
  Communicator comm_ = Communicator::world();
  DataConfig config_;
};

TEST_F(RealData, MovieLens100k) {
  const std::string path = real_data("ml-100k");
  SKIP_WITHOUT(path);
  const Dataset dataset = load(path);
  expect_counts(dataset, 100000, 943, 1682);
  EXPECT_EQ(dataset.repeated_pairs, 0);
  EXPECT_EQ(digest(dataset), 10570632334300353348U);
  const TrainingData data = make_training_data(dataset, config_, 42, comm_);
  EXPECT_EQ(data.train.total, 80000);
  EXPECT_EQ(data.valid.total, 20000);
  EXPECT_EQ(data.users.size(), 943);
  const SideTables side = load_side_tables(config_, dataset);
  EXPECT_EQ(std::get<Attribute::Text>(side.items.attributes[0].values)[0], "Toy Story (1995)");
  EXPECT_EQ(std::get<Attribute::TextList>(side.items.attributes[1].values)[0],
            (std::vector<std::string>{"Animation", "Children's", "Comedy"}));
  EXPECT_EQ(std::get<Attribute::Number>(side.users.attributes[0].values)[0], 24);
}

TEST_F(RealData, MovieLens100kGivenSplits) {
  const std::string path = real_data("ml-100k");
  SKIP_WITHOUT(path);
  config_.split = SplitKind::given;
  const Dataset files = load(path + "/u1.base");
  expect_counts(files, 100000, 943, 1682);
  const TrainingData data = make_training_data(files, config_, 42, comm_);
  EXPECT_EQ(data.train.total, 80000);
  EXPECT_EQ(data.valid.total, 20000);
  EXPECT_EQ(data.users.size(), 943);
  EXPECT_EQ(data.items.size(), 1650);
  config_.valid_path = path + "/u1.test";
  const Dataset whole_and_part = load(path);
  EXPECT_EQ(digest(whole_and_part), digest(files)) << "u.data without u1.test is u1.base";
}

TEST_F(RealData, MovieLens1m) {
  const std::string path = real_data("ml-1m");
  SKIP_WITHOUT(path);
  const Dataset dataset = load(path);
  expect_counts(dataset, 1000209, 6040, 3706);
  EXPECT_TRUE(dataset.part.times.empty());
  EXPECT_EQ(digest(dataset), 14692181548194157770U);
}

TEST_F(RealData, MovieLensLatestSmall) {
  const std::string path = real_data("ml-latest-small");
  SKIP_WITHOUT(path);
  const Dataset dataset = load(path);
  expect_counts(dataset, 100836, 610, 9724);
  EXPECT_EQ(digest(dataset), 16021066298948726368U);
  const SideTables side = load_side_tables(config_, dataset);
  const auto index = static_cast<std::size_t>(dataset.items.find("11"));
  EXPECT_EQ(std::get<Attribute::Text>(side.items.attributes[0].values)[index],
            "American President, The (1995)");
}

TEST_F(RealData, Goodbooks) {
  const std::string path = real_data("goodbooks-10k-v1");
  SKIP_WITHOUT(path);
  config_.csv.user = "user_id";
  config_.csv.item = "book_id";
  config_.csv.rating = "rating";
  const Dataset dataset = load(path);
  expect_counts(dataset, 979478, 53424, 10000);
  EXPECT_EQ(dataset.repeated_pairs, 2278);
  EXPECT_EQ(digest(dataset), 1583855555249567720U);
}

TEST_F(RealData, MovieTweetings) {
  const std::string path = real_data("movietweetings");
  SKIP_WITHOUT(path);
  const Dataset dataset = load(path);
  expect_counts(dataset, 141695, 21081, 12611);
  EXPECT_EQ(dataset.items.text(0).size(), 7U) << "leading zeros are kept";
  EXPECT_TRUE(dataset.users.integers());
  EXPECT_EQ(digest(dataset), 14541976209769547350U);
  config_.split = SplitKind::leave_one_out;
  const TrainingData data = make_training_data(dataset, config_, 42, comm_);
  EXPECT_EQ(data.users.size(), 21081) << "everybody keeps a training rating";
}

}  // namespace
