#include "ncf/train/learner.hpp"

#include <cmath>
#include <string>

#include "ncf/util/error.hpp"

namespace ncf {
namespace {

std::vector<RowTable> make_tables(const Config& config, ShardMap shards, int64_t user_rows,
                                  int64_t item_rows) {
  std::vector<RowTable> out;
  for (const TableShape& shape : table_shapes(config.model, user_rows, item_rows))
    out.emplace_back(shape, shards, static_cast<uint64_t>(config.run.seed), out.size());
  return out;
}

std::vector<TableShape> shapes(const std::vector<RowTable>& tables) {
  std::vector<TableShape> out;
  for (const RowTable& t : tables) out.push_back(t.shape());
  return out;
}

UpdateRule make_rule(const TrainConfig& c) {
  return {c.optimizer == OptimizerKind::sgd ? RuleKind::sgd : RuleKind::adamw, c.weight_decay, c.beta2,
          c.eps};
}

}  // namespace

Schedule make_schedule(const TrainConfig& c, int64_t total_steps, int64_t steps_per_epoch) {
  Schedule s;
  switch (c.schedule) {
    case ScheduleKind::one_cycle:
      s.shape = ScheduleShape::one_cycle;
      break;
    case ScheduleKind::cosine:
      s.shape = ScheduleShape::cosine;
      break;
    case ScheduleKind::step:
      s.shape = ScheduleShape::step;
      break;
    case ScheduleKind::constant:
      s.shape = ScheduleShape::constant;
      break;
  }
  s.lr = c.lr;
  s.momentum = c.momentum;
  s.total_steps = std::max<int64_t>(1, total_steps);
  s.warmup = c.warmup;
  s.decay_every = std::max<int64_t>(1, c.lr_step_epochs * steps_per_epoch);
  s.decay_factor = c.lr_step_factor;
  return s;
}

Learner::Learner(const Config& config, ShardMap shards, int64_t user_rows, int64_t item_rows,
                 const Schedule& schedule)
    : rule_(make_rule(config.train)),
      schedule_(schedule),
      tables_(make_tables(config, shards, user_rows, item_rows)),
      model_(config.model, shapes(tables_), config.train.micro_batch, static_cast<uint64_t>(config.run.seed),
             dense_),
      row_optimizer_(rule_, schedule, config.train.embedding_update == EmbeddingUpdate::lazy),
      exchanges_(tables_.size(), RowExchange(shards)),
      rows_(tables_.size()),
      row_gradients_(tables_.size()),
      row_sums_(tables_.size()) {}

BatchView Learner::view(const EpochSamples::Part& part, int64_t epoch) const {
  return {.users = rows_[0].view(),
          .items = rows_[1].view(),
          .user_slots = exchanges_[0].slots(),
          .item_slots = exchanges_[1].slots(),
          .ratings = part.ratings,
          .global_rows = part.global_rows,
          .first_position = part.first_position,
          .epoch = epoch};
}

void Learner::step(Communicator& comm, const EpochSamples::Part& part, int64_t step, int64_t epoch,
                   LossSum& loss, PhaseTimer& timer) {
  timer.restart();
  exchanges_[0].plan(comm, part.users);
  exchanges_[1].plan(comm, part.items);
  timer.charge(Phase::plan);
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    row_optimizer_.catch_up(tables_[t], exchanges_[t].owned(), step - 1);
    exchanges_[t].gather(comm, tables_[t].weight, rows_[t]);
    row_gradients_[t].reshape(rows_[t].rows(), rows_[t].cols());
    row_gradients_[t].fill(0);
  }
  dense_.clear_gradients();
  timer.charge(Phase::gather);

  LossSum here;
  model_.train(view(part, epoch), dense_, {row_gradients_[0].view(), row_gradients_[1].view()}, here,
               [&comm](std::span<double> values) { comm.all_reduce_sum(values); });
  loss.exact.add(here.exact);
  dense_.loss() = static_cast<float>(here.plain);
  timer.charge(Phase::compute);

  comm.all_reduce_sum(dense_.gradients());
  check_finite(step);
  for (std::size_t t = 0; t < tables_.size(); ++t)
    exchanges_[t].return_sum(comm, row_gradients_[t], row_sums_[t]);
  timer.charge(Phase::synchronise);

  const StepFactors factors = step_factors(rule_, schedule_.at(step - 1), step);
  move_dense(factors);
  for (std::size_t t = 0; t < tables_.size(); ++t)
    row_optimizer_.move(tables_[t], exchanges_[t].owned(), row_sums_[t], factors, step);
  timer.charge(Phase::update);
}

void Learner::check_finite(int64_t step) {
  // After the all-reduce every rank holds the same values, so all ranks throw or none does.
  if (std::isfinite(dense_.loss())) return;
  std::string first = "the predictions";
  for (std::size_t s = 0; s < dense_.segments().size(); ++s)
    for (float g : dense_.gradient(s))
      if (!std::isfinite(g)) {
        first = "the gradient of " + dense_.segments()[s].path;
        throw Error(ErrorKind::diverged,
                    "the loss is not finite at step " + std::to_string(step) + " (first hit: " + first +
                        "); a lower train.lr may help",
                    true);
      }
  throw Error(ErrorKind::diverged,
              "the loss is not finite at step " + std::to_string(step) + "; a lower train.lr may help", true);
}

void Learner::move_dense(const StepFactors& factors) {
  for (std::size_t s = 0; s < dense_.segments().size(); ++s) {
    const Segment& segment = dense_.segments()[s];
    if (segment.trained)
      update(factors, segment.decays, segment.size, dense_.value(s).data(), dense_.gradient(s).data(),
             dense_.first_moment(s).data(), dense_.second_moment(s).data());
  }
}

void Learner::predict(Communicator& comm, std::span<const int32_t> users, std::span<const int32_t> items,
                      std::span<float> predictions) {
  const std::span<const int32_t> ids[] = {users, items};
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    exchanges_[t].plan(comm, ids[t]);
    exchanges_[t].gather(comm, tables_[t].weight, rows_[t]);
  }
  model_.predict(view({}, 0), dense_, predictions);
}

void Learner::catch_up_all(int64_t step) {
  for (RowTable& table : tables_) row_optimizer_.catch_up_all(table, step);
}

int64_t Learner::parameter_count() const {
  int64_t total = dense_.count();
  for (const RowTable& t : tables_) total += t.shape().rows * t.shape().cols();
  return total;
}

int64_t Learner::memory_bytes() const {
  int64_t bytes = 4 * 4 * dense_.count();
  for (const RowTable& t : tables_) bytes += t.local_rows() * (3 * 4 * t.shape().cols() + 8);
  return bytes;
}

}  // namespace ncf
