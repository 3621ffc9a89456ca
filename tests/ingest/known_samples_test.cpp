#include "ncf/ingest/known_samples.hpp"

#include <gtest/gtest.h>

#include "ncf/ingest/load.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

class KnownSamples : public ::testing::Test {
 protected:
  /// All ranks' samples as "user row,item row,rating".
  std::vector<std::string> texts(const Samples& samples) {
    const auto all = comm_.all_gather_v(std::span<const Sample>(samples.rows));
    EXPECT_EQ(samples.first, all.offsets[static_cast<std::size_t>(comm_.rank())]);
    EXPECT_EQ(samples.total, all.offsets.back());
    std::vector<std::string> out;
    for (const Sample& s : all.values)
      out.push_back(std::to_string(s.user) + "," + std::to_string(s.item) + "," +
                    std::to_string(static_cast<int>(s.rating)));
    return out;
  }
  Dataset dataset() {
    DataConfig config;
    config.path = folder_.file("r.csv", "7,b,1\n7,a,2\n9,c,3\n11,a,4\n11,b,5\n");
    return load_dataset(config, 0, comm_);
  }

  Communicator comm_ = Communicator::world();
  testing::SharedDirectory folder_{comm_};
};

TEST_F(KnownSamples, IdsAreLookedUpInTheModelsVocabulary) {
  const Dataset data = dataset();
  const std::vector<uint8_t> all(data.part.items.size(), 1);
  const Vocabulary users{std::vector<int64_t>{1, 9, 11}};
  const Vocabulary items{std::vector<std::string>{"b", "c", "d"}};
  EXPECT_EQ(texts(known_samples(data, all, users, items, comm_)),
            (std::vector<std::string>{"0,0,2", "0,1,1", "2,2,3", "3,0,4", "3,1,5"}));
  // Integers here and texts there are the same ids.
  const Vocabulary as_text{std::vector<std::string>{"11", "7", "x"}};
  EXPECT_EQ(texts(known_samples(data, all, as_text, items, comm_)),
            (std::vector<std::string>{"2,0,2", "2,1,1", "0,2,3", "1,0,4", "1,1,5"}));
}

TEST_F(KnownSamples, OnlyTheChosenRows) {
  const Dataset data = dataset();
  std::vector<uint8_t> chosen;
  for (const float value : data.part.values) chosen.push_back(value > 3 ? 1 : 0);
  const Vocabulary users{std::vector<int64_t>{11}};
  const Vocabulary items{std::vector<std::string>{"a"}};
  EXPECT_EQ(texts(known_samples(data, chosen, users, items, comm_)),
            (std::vector<std::string>{"1,1,4", "1,0,5"}));
  const std::vector<uint8_t> none(data.part.items.size(), 0);
  EXPECT_EQ(known_samples(data, none, users, items, comm_).total, 0);
}

}  // namespace
}  // namespace ncf
