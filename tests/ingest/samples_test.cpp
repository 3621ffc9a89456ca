#include "ncf/ingest/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ncf/data/permutation.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/util/error.hpp"
#include "support/shared_directory.hpp"

using namespace ncf;
using namespace ncf::testing;
using ::testing::HasSubstr;

namespace {

/// A part of all ranks as texts "user,item,rating" by model vocabulary, "?" being row 0, in order.
using Texts = std::vector<std::string>;

class SamplesTest : public ::testing::Test {
 protected:
  TrainingData make(const DataConfig& config, uint64_t seed = 42) {
    return make_training_data(load_dataset(config, seed, comm_), config, seed, comm_);
  }
  Texts texts(const TrainingData& data, const Samples& samples) {
    const auto all = comm_.all_gather_v(std::span<const Sample>(samples.rows));
    EXPECT_EQ(samples.first, all.offsets[static_cast<std::size_t>(comm_.rank())]);
    EXPECT_EQ(samples.total, all.offsets.back());
    const auto id = [](const Vocabulary& v, int32_t row) { return row == 0 ? "?" : v.text(row - 1); };
    Texts out;
    for (const Sample& s : all.values)
      out.push_back(id(data.users, s.user) + "," + id(data.items, s.item) + "," +
                    std::to_string(static_cast<int>(s.rating)));
    return out;
  }
  DataConfig given() {
    folder_.file("u1.base", "1\t10\t1\t1\n1\t20\t2\t2\n2\t10\t3\t3\n");
    folder_.file("u1.test", "1\t30\t4\t4\n3\t20\t5\t5\n2\t20\t6\t6\n");
    DataConfig config;
    config.path = folder_ / "u1.base";
    config.split = SplitKind::given;
    return config;
  }
  std::string error(const DataConfig& config) {
    std::string message = thrown_by<Error>([&] { make(config); });
    for (const std::string& other : comm_.all_gather(message)) EXPECT_EQ(other, message);
    return message;
  }

  Communicator comm_ = Communicator::world();
  SharedDirectory folder_{comm_};
};

TEST_F(SamplesTest, VocabularyOfTheTrainingPart) {
  const TrainingData data = make(given());
  EXPECT_EQ(data.users.size(), 2);
  EXPECT_EQ(data.items.size(), 2);
  EXPECT_EQ(texts(data, data.train), (Texts{"1,10,1", "1,20,2", "2,10,3"}));
  EXPECT_EQ(texts(data, data.valid), (Texts{"1,?,4", "2,20,6", "?,20,5"}));
}

TEST_F(SamplesTest, VocabularyOfAll) {
  DataConfig config = given();
  config.vocabulary = VocabularyKind::all;
  const TrainingData data = make(config);
  EXPECT_EQ(data.users.size(), 3);
  EXPECT_EQ(data.items.size(), 3);
  EXPECT_EQ(texts(data, data.valid), (Texts{"1,30,4", "2,20,6", "3,20,5"}));
}

TEST_F(SamplesTest, RandomSplitIsAFunctionOfSeedAndRow) {
  std::string text;
  std::vector<std::string> rows;  // in canonical order
  for (int u = 1; u <= 40; ++u)
    for (int i = u; i < u + 10; ++i)
      rows.push_back(std::to_string(u) + "," + std::to_string(i) + "," + std::to_string(1 + (u * i) % 5));
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) text += *row + "\n";
  DataConfig config;
  config.path = folder_.file("r.csv", text);
  config.vocabulary = VocabularyKind::all;
  config.valid_fraction = 0.25;
  const TrainingData data = make(config, 7);
  const Permutation order(400, 7, Purpose::split, 0);
  Texts train, valid;
  for (uint64_t i = 0; i < 400; ++i) (order.forward(i) < 100 ? valid : train).push_back(rows[i]);
  EXPECT_EQ(texts(data, data.train), train);
  EXPECT_EQ(texts(data, data.valid), valid);
}

TEST_F(SamplesTest, LeaveOneOut) {
  DataConfig config;
  config.path = folder_.file("u.data", "1\t10\t1\t9\n1\t20\t2\t5\n2\t10\t3\t3\n3\t10\t4\t7\n3\t9\t5\t7\n");
  config.split = SplitKind::leave_one_out;
  config.vocabulary = VocabularyKind::all;
  const TrainingData data = make(config);
  EXPECT_EQ(texts(data, data.train), (Texts{"1,20,2", "2,10,3", "3,9,5"}));
  EXPECT_EQ(texts(data, data.valid), (Texts{"1,10,1", "3,10,4"}));
}

TEST_F(SamplesTest, LeaveOneOutNeedsTimes) {
  DataConfig config;
  config.path = folder_.file("r.csv", "1,2,3\n1,3,3\n");
  config.split = SplitKind::leave_one_out;
  EXPECT_THAT(error(config), HasSubstr("2: data.split: leave_one_out takes each user's latest rating, but "));
  config.path.clear();  // synthetic ratings have times
  EXPECT_EQ(make(config).valid.total, 943);
}

TEST_F(SamplesTest, GivenNeedsASplit) {
  DataConfig config;
  config.path = folder_.file("r.csv", "1,2,3\n");
  const Dataset dataset = load_dataset(config, 1, comm_);
  config.split = SplitKind::given;
  EXPECT_THAT(thrown_by<Error>([&] { make_training_data(dataset, config, 1, comm_); }),
              HasSubstr("2: data.split: given, but "));
}

TEST_F(SamplesTest, EmptyPartsAreParts) {
  DataConfig config;
  config.path = folder_.file("r.csv", "1,2,3\n");
  const TrainingData data = make(config);
  EXPECT_EQ(texts(data, data.train), (Texts{"1,2,3"}));
  EXPECT_EQ(texts(data, data.valid), (Texts{}));
}

}  // namespace
