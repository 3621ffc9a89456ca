#include "ncf/train/resume.hpp"

#include <gtest/gtest.h>

#include <cmath>
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

/// What a checkpoint of this snapshot says when it is read again.
CarriedOn through_a_manifest(const Snapshot& s) {
  Manifest m;
  m.progress = s.progress;
  m.ranks = 1;
  m.extra = s.extra;
  m.extra_text = s.extra_text;
  return carried(parse_manifest(manifest_text(m), "m"));
}

std::array<int64_t, 5> through_a_manifest(const ExactSum& sum) {
  Snapshot s;
  carry({.progress = {}, .epoch_loss = sum, .best_mse = {}, .data_digest = {}}, s);
  return through_a_manifest(s).epoch_loss.limbs();
}

TEST(Carry, AllOfItComesBack) {
  Snapshot s;
  CarriedOn state{.progress = {12, 3, 4}, .epoch_loss = {}, .best_mse = 0.1, .data_digest = "abc"};
  state.epoch_loss.add(1.5);
  carry(state, s);
  EXPECT_EQ(s.progress, state.progress);
  const CarriedOn back = through_a_manifest(s);
  EXPECT_EQ(back.progress, state.progress);
  EXPECT_EQ(back.epoch_loss.value(), 1.5);
  EXPECT_EQ(back.best_mse, 0.1);
  EXPECT_EQ(back.data_digest, "abc");
  state.best_mse.reset();
  Snapshot without;
  carry(state, without);
  EXPECT_EQ(through_a_manifest(without).best_mse, std::nullopt);
}

/// Terms of one sign and of both, single units, more than 64 bits, and terms that make a sum invalid.
TEST(Carry, SumsComeBackToTheLastBit) {
  for (const std::vector<double>& terms : std::vector<std::vector<double>>{{},
                                                                           {0x1p-40},
                                                                           {-0x1p-40},
                                                                           {-1.5},
                                                                           {0.1, 0.2, 0.3},
                                                                           {0x1p39, 0x1p-40},
                                                                           {-0x1p39, 0x1p-40},
                                                                           {NAN},
                                                                           {INFINITY, 1}}) {
    ExactSum sum;
    for (const double t : terms) sum.add(t);
    EXPECT_EQ(through_a_manifest(sum), sum.limbs());
    for (int doublings = 0; doublings < 40; ++doublings) sum.add(ExactSum(sum));
    EXPECT_EQ(through_a_manifest(sum), sum.limbs());
  }
}

TEST(Carry, ASumOfSeveralRanksGoesOnAsOne) {
  ExactSum a, b, both;
  for (const double t : {0.1, -7.25, 1e9}) a.add(t), both.add(t);
  for (const double t : {-1e10, 0.3}) b.add(t), both.add(t);
  auto limbs = a.limbs();
  for (std::size_t k = 0; k < limbs.size(); ++k) limbs[k] += b.limbs()[k];
  EXPECT_EQ(through_a_manifest(ExactSum::from_limbs(limbs)), both.limbs());
}

class Resume : public ::testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};
  Config config_;

  Resume() {
    config_.run.dir = dir_ / "run";
    config_.model.hidden = {6, 4};
    config_.model.embedding_dim = {3, 2};
    config_.train.epochs = 5;
  }
  Learner learner() const {
    return {config_, {comm_.rank(), comm_.size()},       make_granules(config_.train, comm_.size()), 11,
            7,       make_schedule(config_.train, 10, 2)};
  }
  void save(Learner& learner, int64_t step, int64_t epoch, int64_t step_in_epoch = 1) {
    Snapshot s;
    carry(
        {.progress = {step, epoch, step_in_epoch}, .epoch_loss = {}, .best_mse = {}, .data_digest = "right"},
        s);
    s.config_yaml = to_yaml(config_);
    s.program_version = "0";
    s.moments = moment_names(config_.train);
    s.tables = table_views(learner, config_.train);
    s.dense = dense_views(learner, config_.train);
    write_checkpoint(comm_, config_.run.dir + "/checkpoints", s);
  }
  /// What find_resume_point throws ("nothing" if it does not), and what rank 0 says meanwhile.
  std::string error_with(const std::function<void(Config&)>& change, std::string* said = nullptr) {
    Config changed = config_;
    change(changed);
    ::testing::internal::CaptureStderr();
    std::string error = "nothing";
    try {
      find_resume_point(comm_, changed);
    } catch (const Error& e) {
      EXPECT_TRUE(e.agreed());
      error = std::to_string(e.exit_code()) + ": " + e.what();
    }
    const std::string text = ::testing::internal::GetCapturedStderr();
    if (said) *said = text;
    return error;
  }
};

TEST_F(Resume, NothingThereIsNoError) {
  EXPECT_EQ(find_resume_point(comm_, config_).path, "");
}

TEST_F(Resume, KeysThatMayNotChangeAreNamed) {
  Learner some = learner();
  save(some, 7, 3);
  const std::pair<const char*, std::function<void(Config&)>> refused[] = {
      {"model.hidden is [6], and was [6, 4]", [](Config& c) { c.model.hidden = {6}; }},
      {"model.kind is dot", [](Config& c) { c.model.kind = ModelKind::dot; }},
      {"model.dropout", [](Config& c) { c.model.dropout = {0.5}; }},
      {"run.seed is 43, and was 42", [](Config& c) { c.run.seed = 43; }},
      {"train.batch_size", [](Config& c) { c.train.batch_size = 65; }},
      {"train.drop_last", [](Config& c) { c.train.drop_last = true; }},
      {"train.optimizer", [](Config& c) { c.train.optimizer = OptimizerKind::sgd; }},
      {"train.embedding_update", [](Config& c) { c.train.embedding_update = EmbeddingUpdate::dense; }},
      {"train.epochs is 2", [](Config& c) { c.train.epochs = 2; }},
  };
  for (const auto& [text, change] : refused) {
    const std::string error = error_with(change);
    EXPECT_TRUE(error.starts_with("4: ")) << error;
    EXPECT_NE(error.find(text), std::string::npos) << error << "\nlacks: " << text;
  }
}

TEST_F(Resume, KeysThatMayChangeAreSaidOnceOrNotAtAll) {
  Learner some = learner();
  save(some, 7, 3);
  std::string said;
  EXPECT_EQ(error_with([](Config&) {}, &said), "nothing");
  EXPECT_EQ(said, "");
  EXPECT_EQ(
      error_with([](Config& c) { c.train.lr = 0.5, c.train.reproducible = Reproducible::ranks; }, &said),
      "nothing");
  if (comm_.is_root()) {
    EXPECT_NE(said.find("warning: train.lr is 0.5, and was 0.005 in "), std::string::npos) << said;
    EXPECT_NE(said.find("train.reproducible is ranks, and was run"), std::string::npos) << said;
  }
  EXPECT_EQ(error_with(
                [](Config& c) {
                  c.train.epochs = 9;
                  c.run.threads = 3;
                  c.run.stop_before = "01:00:00";
                  c.data.path = "elsewhere";
                  c.eval.every_epochs = 2;
                  c.comm.timeout_s = 7;
                  c.checkpoint.keep_last = 4;
                },
                &said),
            "nothing");
  EXPECT_EQ(said, "");
}

TEST_F(Resume, EpochsThatHaveBegunMustBeAmongThoseAskedFor) {
  Learner some = learner();
  const auto with_epochs = [&](int64_t epochs) {
    return error_with([&](Config& c) { c.train.epochs = epochs; });
  };
  save(some, 6, 3, 0);
  EXPECT_EQ(with_epochs(3), "nothing") << "all of them are done";
  EXPECT_NE(with_epochs(2).find("has 3 epochs done"), std::string::npos);
  save(some, 7, 3, 1);
  EXPECT_EQ(with_epochs(4), "nothing");
  EXPECT_NE(with_epochs(3).find("has 3 epochs done and part of the next one"), std::string::npos);
}

TEST_F(Resume, TheNewestValidOneIsTakenAndOthersAreNamed) {
  Learner some = learner();
  for (const int64_t step : {1, 2, 3}) save(some, step, 0);
  const auto step_path = [&](int step) {
    return config_.run.dir + "/checkpoints/step-00000000" + std::to_string(step);
  };
  if (comm_.is_root()) fs::resize_file(step_path(3) + "/model.h5", 100);
  comm_.barrier();
  std::string said;
  ASSERT_EQ(error_with([](Config&) {}, &said), "nothing");
  EXPECT_NE(said.find("passed over: "), std::string::npos) << said;
  EXPECT_EQ(find_resume_point(comm_, config_).path, step_path(2));
  comm_.barrier();
  if (comm_.is_root())
    for (const int step : {1, 2}) fs::remove(step_path(step) + "/manifest.json");
  comm_.barrier();
  const std::string error = error_with([](Config&) {});
  EXPECT_TRUE(error.starts_with("4: none of the 3 checkpoints of ")) << error;
}

TEST_F(Resume, OtherDataAreRefused) {
  Learner some = learner();
  save(some, 7, 3);
  const Candidate found = find_resume_point(comm_, config_);
  try {
    load_resume_point(comm_, found, "wrong", config_.train, some);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_TRUE(e.agreed());
    EXPECT_EQ(e.kind(), ErrorKind::checkpoint);
    EXPECT_NE(std::string(e.what()).find("digest right, expected wrong"), std::string::npos) << e.what();
  }
}

TEST_F(Resume, ALearnerComesBackWhole) {
  Learner before = learner();
  float value = 0;
  for (RowTable& t : before.tables()) {
    for (Matrix* m : {&t.weight, &t.first_moment, &t.second_moment})
      for (float& v : m->values()) v = ++value;
    for (int64_t& step : t.last_step) step = static_cast<int64_t>(++value);
  }
  for (std::size_t s = 0; s < before.dense().segments().size(); ++s)
    for (const auto& span :
         {before.dense().value(s), before.dense().first_moment(s), before.dense().second_moment(s)})
      std::ranges::generate(span, [&, k = 0.0F]() mutable { return static_cast<float>(s) * 1000 + ++k; });
  save(before, 7, 3);
  Learner after = learner();
  const CarriedOn state =
      load_resume_point(comm_, find_resume_point(comm_, config_), "right", config_.train, after);
  EXPECT_EQ(state.progress, (Progress{7, 3, 1}));
  for (std::size_t t = 0; t < 2; ++t) {
    RowTable &here = after.tables()[t], &there = before.tables()[t];
    EXPECT_TRUE(std::ranges::equal(here.weight.values(), there.weight.values()));
    EXPECT_TRUE(std::ranges::equal(here.first_moment.values(), there.first_moment.values()));
    EXPECT_TRUE(std::ranges::equal(here.second_moment.values(), there.second_moment.values()));
    EXPECT_EQ(here.last_step, there.last_step);
  }
  for (std::size_t s = 0; s < before.dense().segments().size(); ++s) {
    EXPECT_TRUE(std::ranges::equal(after.dense().value(s), before.dense().value(s)));
    EXPECT_TRUE(std::ranges::equal(after.dense().first_moment(s), before.dense().first_moment(s)));
    EXPECT_TRUE(std::ranges::equal(after.dense().second_moment(s), before.dense().second_moment(s)));
  }
}

}  // namespace
}  // namespace ncf
