#include "ncf/config/fields.hpp"

#include <gtest/gtest.h>

#include <set>

#include "ncf/config/config.hpp"

namespace ncf {
namespace {

TEST(Fields, EveryKeyIsDeclaredOnceAndExplained) {
  Config config;
  const Fields fields(config);
  std::set<std::string> keys;
  for (const Field& field : fields.all()) {
    EXPECT_TRUE(keys.insert(field.key).second) << field.key;
    EXPECT_FALSE(field.help.empty()) << field.key;
    EXPECT_FALSE(field.takes.empty()) << field.key;
    EXPECT_TRUE(fields.find_section(field.key.substr(0, field.key.rfind('.')))) << field.key;
  }
  for (const Section& section : fields.sections())
    EXPECT_TRUE(keys.insert(section.key).second) << section.key;
}

TEST(Fields, AFieldIsTheMemberItWasDeclaredFor) {
  Config config;
  const Fields fields(config);
  config.data.csv.user = "reader";
  config.train.schedule = ScheduleKind::cosine;
  EXPECT_EQ(fields.find("data.csv.user")->write(), "reader");
  EXPECT_EQ(fields.find("train.schedule")->write(), "cosine");
  EXPECT_EQ(fields.find("train"), nullptr);
  EXPECT_EQ(fields.find_section("data.csv")->key, "data.csv");
}

TEST(Fields, SaysWhatAKeyTakes) {
  Config config;
  const Fields fields(config);
  EXPECT_EQ(fields.find("train.epochs")->takes, "an integer from 1 to 1000000000");
  EXPECT_EQ(fields.find("train.lr")->takes, "a number above 0");
  EXPECT_EQ(fields.find("data.valid_fraction")->takes, "a number above 0 and below 1");
  EXPECT_EQ(fields.find("train.optimizer")->takes, "adamw or sgd");
  EXPECT_EQ(fields.find("data.split")->takes, "random, leave_one_out or given");
  EXPECT_EQ(fields.find("data.csv.header")->takes, "auto, yes or no");
}

template <class E>
void expect_names(std::size_t count) {
  EXPECT_EQ(names(E{}).size(), count);
}

TEST(Fields, EveryEnumeratorHasItsName) {
  EXPECT_EQ(name_of(DataFormat::automatic), "auto");
  EXPECT_EQ(name_of(DataFormat::movielens_100k), "movielens-100k");
  EXPECT_EQ(name_of(DataFormat::movielens_dat), "movielens-dat");
  EXPECT_EQ(name_of(DataFormat::movielens_csv), "movielens-csv");
  EXPECT_EQ(name_of(DataFormat::csv), "csv");
  EXPECT_EQ(name_of(DataFormat::hdf5), "hdf5");
  EXPECT_EQ(name_of(DataFormat::he_ncf), "he-ncf");
  EXPECT_EQ(name_of(SplitKind::random), "random");
  EXPECT_EQ(name_of(SplitKind::leave_one_out), "leave_one_out");
  EXPECT_EQ(name_of(SplitKind::given), "given");
  EXPECT_EQ(name_of(VocabularyKind::train), "train");
  EXPECT_EQ(name_of(VocabularyKind::all), "all");
  EXPECT_EQ(name_of(Duplicates::last), "last");
  EXPECT_EQ(name_of(Duplicates::first), "first");
  EXPECT_EQ(name_of(Duplicates::mean), "mean");
  EXPECT_EQ(name_of(Duplicates::error), "error");
  EXPECT_EQ(name_of(ModelKind::neural), "neural");
  EXPECT_EQ(name_of(ModelKind::dot), "dot");
  EXPECT_EQ(name_of(ModelKind::gmf), "gmf");
  EXPECT_EQ(name_of(ModelKind::neumf), "neumf");
  EXPECT_EQ(name_of(OptimizerKind::adamw), "adamw");
  EXPECT_EQ(name_of(OptimizerKind::sgd), "sgd");
  EXPECT_EQ(name_of(ScheduleKind::one_cycle), "one_cycle");
  EXPECT_EQ(name_of(ScheduleKind::cosine), "cosine");
  EXPECT_EQ(name_of(ScheduleKind::step), "step");
  EXPECT_EQ(name_of(ScheduleKind::constant), "constant");
  EXPECT_EQ(name_of(EmbeddingUpdate::lazy), "lazy");
  EXPECT_EQ(name_of(EmbeddingUpdate::dense), "dense");
  EXPECT_EQ(name_of(FirstLayer::automatic), "auto");
  EXPECT_EQ(name_of(FirstLayer::rows), "rows");
  EXPECT_EQ(name_of(FirstLayer::samples), "samples");
  expect_names<DataFormat>(7);
  expect_names<SplitKind>(3);
  expect_names<VocabularyKind>(2);
  expect_names<Duplicates>(4);
  expect_names<ModelKind>(4);
  expect_names<OptimizerKind>(2);
  expect_names<ScheduleKind>(4);
  expect_names<EmbeddingUpdate>(2);
  expect_names<FirstLayer>(3);
}

}  // namespace
}  // namespace ncf
