// A new run takes over rows by id and dense parameters as they are, whatever the numbers of ranks.
#include "ncf/train/init_from.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "ncf/checkpoint/write.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/train/learner_views.hpp"
#include "ncf/util/error.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

Config config_for(ModelKind kind) {
  Config c;
  c.model.kind = kind;
  c.model.hidden = {6, 4};
  c.model.embedding_dim = {3, 3};
  c.model.batch_norm = kind == ModelKind::neural;
  return c;
}

/// Users by number: two of the new ones are unknown to the old run, and the order of rows differs. Items by
/// name.
TrainingData data_of(bool old) {
  TrainingData d;
  d.users.ids =
      old ? std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} : std::vector<int64_t>{-4, 2, 5, 11, 99};
  d.items.ids = old ? std::vector<std::string>{"a", "b", "c"} : std::vector<std::string>{"0", "b", "c", "d"};
  return d;
}

Learner learner_for(Communicator& comm, const Config& config, const TrainingData& data) {
  return {config,
          {comm.rank(), comm.size()},
          make_granules(config.train, comm.size()),
          data.users.size() + 1,
          data.items.size() + 1,
          make_schedule(config.train, 10, 2)};
}

float old_value(std::size_t table, int64_t row, int64_t col) {
  return static_cast<float>(static_cast<int64_t>(table) * 1000 + row * 10 + col) + 0.25F;
}

class InitFrom : public ::testing::TestWithParam<ModelKind> {
 protected:
  Communicator comm_ = Communicator::world(), self_ = Communicator::self();
  testing::SharedDirectory dir_{comm_};
  const Config config_ = config_for(GetParam());
  const TrainingData before_ = data_of(true), now_ = data_of(false);
  const std::string run_ = dir_ / "old";

  /// The old run's model, written by `comm`.
  void save(Communicator& comm, int64_t step, const Config& config) {
    Learner learner = learner_for(comm, config, before_);
    for (std::size_t t = 0; t < 2; ++t) {
      RowTable& table = learner.tables()[t];
      for (int64_t l = 0; l < table.local_rows(); ++l)
        for (int64_t c = 0; c < table.shape().cols(); ++c)
          table.weight.row(l)[c] = old_value(t, l * comm.size() + comm.rank(), c);
      table.first_moment.fill(7);
      table.second_moment.fill(7);
      std::ranges::fill(table.last_step, 7);
    }
    for (std::size_t s = 0; s < learner.dense().segments().size(); ++s) {
      std::ranges::fill(learner.dense().value(s), dense_value(s));
      std::ranges::fill(learner.dense().first_moment(s), 7.0F);
    }
    Snapshot s;
    s.progress.step = step;
    s.config_yaml = to_yaml(config);
    s.program_version = "0";
    s.users = &before_.users;
    s.items = &before_.items;
    s.tables = table_views(learner, config.train);
    s.dense = dense_views(learner, config.train);
    write_checkpoint(comm, run_ + "/checkpoints", s);
  }
  static float dense_value(std::size_t segment) { return static_cast<float>(segment) + 0.5F; }

  void expect_taken(const std::string& path) {
    Learner here = learner_for(comm_, config_, now_), fresh = learner_for(comm_, config_, now_);
    const std::string said = init_from(comm_, path, now_, here);
    EXPECT_NE(said.find(": 3 of 5 users and 2 of 4 items known there"), std::string::npos) << said;
    EXPECT_NE(said.find("step-000000009"), std::string::npos) << said;
    // Row 0 is "unknown" in both; 0 elsewhere: the id is not known there.
    const std::vector<int64_t> origin[] = {{0, 0, 2, 5, 11, 0}, {0, 0, 2, 3, 0}};
    for (std::size_t t = 0; t < 2; ++t) {
      const RowTable &table = here.tables()[t], &other = fresh.tables()[t];
      for (int64_t l = 0; l < table.local_rows(); ++l) {
        const int64_t row = l * comm_.size() + comm_.rank(), from = origin[t][static_cast<std::size_t>(row)];
        for (int64_t c = 0; c < table.shape().cols(); ++c) {
          EXPECT_EQ(table.weight.row(l)[c],
                    row == 0 || from > 0 ? old_value(t, from, c) : other.weight.row(l)[c])
              << table.shape().name << " row " << row << ", " << c;
          EXPECT_EQ(table.first_moment.row(l)[c], 0);
          EXPECT_EQ(table.second_moment.row(l)[c], 0);
        }
      }
      EXPECT_EQ(table.last_step, other.last_step);
    }
    for (std::size_t s = 0; s < here.dense().segments().size(); ++s) {
      EXPECT_TRUE(std::ranges::all_of(here.dense().value(s), [&](float v) { return v == dense_value(s); }));
      EXPECT_TRUE(std::ranges::all_of(here.dense().first_moment(s), [](float v) { return v == 0; }));
    }
  }
  std::string error_of(const std::string& path, const Config& config) {
    Learner learner = learner_for(comm_, config, now_);
    try {
      init_from(comm_, path, now_, learner);
    } catch (const Error& e) {
      EXPECT_TRUE(e.agreed());
      EXPECT_EQ(e.kind(), ErrorKind::checkpoint);
      return e.what();
    }
    return "nothing";
  }
};

TEST_P(InitFrom, RowsComeByTheirIdsAndMomentsStartAnew) {
  save(comm_, 9, config_);
  expect_taken(run_ + "/checkpoints/step-000000009");
  expect_taken(run_ + "/checkpoints/latest/../step-000000009");
}

TEST_P(InitFrom, ACheckpointOfAnotherNumberOfRanksServesAsWell) {
  if (comm_.is_root()) save(self_, 9, config_);
  comm_.barrier();
  expect_taken(run_ + "/checkpoints/step-000000009");
}

TEST_P(InitFrom, OfARunItIsTheNewestThatIsWhole) {
  for (const int64_t step : {5, 9, 12}) save(comm_, step, config_);
  if (comm_.is_root()) fs::remove(run_ + "/checkpoints/step-000000012/model.h5");
  comm_.barrier();
  expect_taken(run_);
}

TEST_P(InitFrom, OtherShapesAreNamed) {
  save(comm_, 9, config_);
  const std::string path = run_ + "/checkpoints/step-000000009";
  Config wider = config_;
  wider.model.embedding_dim = {4, 4};
  wider.model.hidden = {};
  const std::string error = error_of(path, wider);
  EXPECT_NE(error.find(path + "/model.h5: /"), std::string::npos) << error;
  EXPECT_NE(error.find("the model has "), std::string::npos) << error;
  const Config other = config_for(GetParam() == ModelKind::dot ? ModelKind::neural : ModelKind::dot);
  const std::string absent = error_of(path, other);
  const std::string expected = GetParam() == ModelKind::dot   ? "/mlp/"
                               : GetParam() == ModelKind::gmf ? "/embedding/user/weight is absent"
                                                              : "/embedding/user/bias is absent";
  EXPECT_NE(absent.find(expected), std::string::npos) << absent;
}

TEST_P(InitFrom, WhereThereIsNoCheckpointItSaysSo) {
  EXPECT_NE(error_of(dir_ / "none", config_).find(dir_ / "none"), std::string::npos);
  if (comm_.is_root()) fs::create_directories(run_ + "/checkpoints");
  comm_.barrier();
  EXPECT_NE(error_of(run_, config_).find(run_ + ": has no valid checkpoint"), std::string::npos);
  save(comm_, 9, config_);
  if (comm_.is_root()) fs::remove(run_ + "/checkpoints/step-000000009/manifest.json");
  comm_.barrier();
  EXPECT_NE(error_of(run_, config_).find("has no valid checkpoint; the newest: "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Models, InitFrom,
                         ::testing::Values(ModelKind::neural, ModelKind::dot, ModelKind::gmf,
                                           ModelKind::neumf),
                         [](const auto& p) { return std::string(name_of(p.param)); });

}  // namespace
}  // namespace ncf
