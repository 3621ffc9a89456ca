#include "ncf/train/learner.hpp"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>

#include "ncf/comm/agreement.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/config/threads.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/denormals.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/finite.hpp"
#include "ncf/util/prefetch.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr int64_t most_parts = 8;  // of the rows of a batch; more were no faster
/// Samples a rank from which on overlapping gains on a network; measured at 1 Gbit/s.
constexpr int64_t worth_overlapping = 1024;
constexpr uint64_t trouble_note = uint64_t{1} << 32;  // above the caller's notes

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

void check_precision(const TrainConfig& c) {
  if (c.precision == PrecisionKind::bf16 && !has_bf16())
    throw Error(ErrorKind::usage,
                std::string("train.precision: bf16 needs a processor with AVX-512 BF16, and ") + host_name() +
                    " has " + instruction_set() +
                    (std::getenv("ONEDNN_MAX_CPU_ISA") == nullptr ? "" : " limited by ONEDNN_MAX_CPU_ISA") +
                    "; use train.precision: fp32");
}

int64_t useful_threads(const TrainConfig& c, int64_t world, int64_t threads) {
  // With two threads 64 samples each are enough (measured; with 32 little was gained). Every thread more also
  // adds a part to all sums, so each is given the more to do the more there are.
  constexpr double enough = 32;
  const double samples = static_cast<double>(c.batch_size) / static_cast<double>(world);
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(std::sqrt(samples / enough)));
  return std::min({threads, most, c.reproducible == Reproducible::ranks ? c.granules / world : threads});
}

int64_t agree_on_threads(Communicator& comm, const Config& config) {
  int64_t threads = resolve_threads(config.run, comm.node_size());
  comm.all_reduce_min(std::span(&threads, 1));
  return useful_threads(config.train, comm.size(), threads);
}

Granules make_granules(const TrainConfig& c, int64_t world, int64_t threads) {
  if (c.reproducible == Reproducible::run) return Granules::of_each_rank(world, threads);
  if (c.granules % world == 0) return Granules::fixed(c.granules, world);
  const int64_t fewer = ranks_for_granules(c.granules, world);
  const auto number = [](int64_t n) { return std::to_string(n); };
  throw Error(ErrorKind::usage,
              "train.reproducible: ranks needs a number of ranks that divides train.granules, " +
                  number(c.granules) + ", and " + number(world) + " does not; start " + number(fewer) +
                  (fewer == 1 ? " rank" : " ranks") +
                  (std::has_single_bit(static_cast<uint64_t>(world))
                       ? ", or set train.granules to " + number(world) + " (another order of sums)"
                       : ", or use train.reproducible: run"),
              true);
}

Learner::Learner(const Config& config, ShardMap shards, Granules granules, int64_t user_rows,
                 int64_t item_rows, const Schedule& schedule, int64_t threads)
    : pool_(std::make_unique<WorkerPool>(threads, [] { set_compute_threads(1); })),
      rule_(make_rule(config.train)),
      schedule_(schedule),
      tables_(make_tables(config, shards, user_rows, item_rows)),
      model_(config.model, config.train, shapes(tables_), static_cast<uint64_t>(config.run.seed), dense_,
             *pool_),
      row_optimizer_(rule_, schedule, config.train.embedding_update == EmbeddingUpdate::lazy),
      granules_(granules),
      alike_(config.train.reproducible == Reproducible::ranks),
      exchange_(shards, granules, std::array{user_rows, item_rows}, *pool_),
      wire_(config.comm.wire == WireKind::bf16 ? Wire::bf16 : Wire::fp32),
      sums_(granules),
      courier_(std::make_unique<Courier>(false)) {
  set_compute_threads(1);  // of a matrix product: the pool's threads each make their own
  dense_.set_granules(granules.a_rank());
}

bool overlaps(const Config& config, const Communicator& comm) {
  if (comm.size() == 1 || config.comm.overlap == OverlapKind::never) return false;
  if (config.comm.overlap == OverlapKind::always) return true;
  const bool several_hosts = comm.node_size() < comm.size();
  return several_hosts && config.train.batch_size / comm.size() >= worth_overlapping;
}

void Learner::set_overlap(bool beside) {
  if (beside == courier_->beside()) return;
  // Denormals on this thread as on the one that computes: sums of MPI must not depend on who takes them.
  courier_ = std::make_unique<Courier>(beside, [] { thread_local const FlushDenormals flush; });
}

void Learner::share_memory(Communicator& comm) {
  exchange_.share_memory(comm);
  sums_.share_memory(comm, dense_);
}

int64_t Learner::largest_granule(int64_t batch_size) const {
  return (batch_size + granules_.count - 1) / granules_.count;
}

/// Alike on all ranks, and whether rows travel beside the computation or not: bits depend on it.
bool Learner::sorts(int64_t batch_size) const {
  return !alike_ && model_.sorts_samples(batch_size, largest_granule(batch_size));
}

int64_t Learner::parts(int64_t batch_size) const {
  if (!courier_->beside() || sorts(batch_size)) return 1;
  return std::min(model_.rounds().count(granules_.a_rank(), largest_granule(batch_size)), most_parts);
}

/// Cut for the whole batch, so that all ranks have as many parts, also those with few samples or none.
SampleParts Learner::sample_parts(const EpochSamples::Part& part) {
  const int64_t count = parts(part.global_rows);
  if (count == 1) return {};
  const Rounds rounds = model_.rounds();
  const int64_t largest = largest_granule(part.global_rows);
  rounds.parts(part.bounds, rounds.count(granules_.a_rank(), largest), count, part_of_sample_);
  return {count, part_of_sample_};
}

BatchView Learner::view(const EpochSamples::Part& part, int64_t epoch) const {
  return {.users = exchange_.gathered(0),
          .items = exchange_.gathered(1),
          .user_slots = exchange_.routes(0).slots(),
          .item_slots = exchange_.routes(1).slots(),
          .ratings = part.ratings,
          .bounds = part.bounds,
          .global_rows = part.global_rows,
          .first_position = part.first_position,
          .epoch = epoch,
          .arrived = {}};
}

OwnedRows Learner::owned_rows(std::size_t table) const {
  return {owned_[table], exchange_.routes(table).class_bounds()};
}

/// From the tables to the samples: the rows of the batch that is planned, of which `fill_owned` fills
/// owned_[table]. Several parts are only sent for.
void Learner::gather(Communicator& comm, Model::Use use, int64_t rows,
                     const std::function<void(std::size_t)>& fill_owned) {
  model_.begin(use, rows, dense_);
  const auto cols = model_.travelling_cols();
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const MatrixView outgoing = exchange_.outgoing(t, cols[t]);
    copies_[t].reshape_aligned(model_.projects() ? outgoing.rows : 0, tables_[t].shape().cols());
    owned_[t] = model_.projects() ? copies_[t].view() : outgoing;
    fill_owned(t);
    model_.owner_forward(t, owned_rows(t), dense_, outgoing);
  }
  coming_.clear();
  const Wire wire = use == Model::Use::train ? wire_ : Wire::fp32;
  for (int64_t part = 0; part < exchange_.parts(); ++part)
    coming_.push_back(
        courier_->send(comm, [this, &comm, part, wire] { exchange_.gather_part(comm, part, wire); }));
  if (coming_.size() == 1) courier_->wait(coming_[0]);
}

void Learner::compute(Communicator& comm, const EpochSamples::Part& part, int64_t epoch, LossSum& here) {
  model_.clear_gradients(dense_);
  BatchView batch = view(part, epoch);
  if (sorts(part.global_rows)) model_.order_samples(batch, dense_);
  const MatrixView totals[] = {exchange_.gradients(0), exchange_.gradients(1)};
  pool_->run(std::ssize(totals), [&](int64_t k, int64_t) {
    row_sums_[static_cast<std::size_t>(k)].begin(k == 0 ? batch.user_slots : batch.item_slots, part.bounds,
                                                 totals[k]);
  });
  if (coming_.size() > 1)
    batch.arrived = [&](int64_t sample) {
      courier_->wait(coming_[part_of_sample_[static_cast<std::size_t>(sample)]]);
    };
  model_.train(batch, dense_, row_sums_, here, [&](std::span<const double> parts, std::span<double> total) {
    sums_.statistics(comm, parts, total);
  });
  courier_->wait(coming_.back());  // also where no sample here uses the last part
}

/// The way back of gather(): all tables at once, or each while the one before is worked on.
void Learner::return_gradients(Communicator& comm) {
  const std::size_t tables = tables_.size(), at_once = courier_->beside() ? 1 : tables;
  std::array<Courier::Ticket, 2> back{};
  for (std::size_t first = 0; first < tables; first += at_once) {
    for (std::size_t t = first; t < first + at_once; ++t) row_sums_[t].finish(*pool_);
    back[first] = courier_->send(
        comm, [this, &comm, first, at_once] { exchange_.send_back(comm, first, first + at_once, wire_); });
  }
  for (std::size_t t = 0; t < tables; ++t) {
    courier_->wait(back[t]);
    row_gradients_[t] =
        model_.owner_backward(t, owned_rows(t), granules_, exchange_.add_up(t), dense_, own_gradients_[t]);
  }
}

uint64_t Learner::step(Communicator& comm, const EpochSamples::Part& part, int64_t step, int64_t epoch,
                       LossSum& loss, PhaseTimer& timer, uint64_t notes) {
  const FlushDenormals flush;
  timer.restart();
  const std::span<const int32_t> ids[] = {part.users, part.items};
  const uint64_t united =
      exchange_.plan(comm, ids, trouble_.empty() ? notes : notes | trouble_note, sample_parts(part));
  if ((united & trouble_note) != 0) diverged(comm, step - 1);
  timer.charge(Phase::plan);
  gather(comm, Model::Use::train, part.global_rows, [&](std::size_t t) {
    row_optimizer_.catch_up(tables_[t], exchange_.routes(t).owned(), step - 1, owned_[t], *pool_);
  });
  timer.charge(Phase::gather);

  LossSum here;
  compute(comm, part, epoch, here);
  loss.exact.add(here.exact);
  dense_.loss() = static_cast<float>(here.plain);
  timer.charge(Phase::compute);

  return_gradients(comm);
  sums_.gradients(comm, dense_);
  check_loss(comm, here.plain, step);
  timer.charge(Phase::synchronise);

  const StepFactors factors = step_factors(rule_, schedule_.at(step - 1), step);
  if (!move_dense(factors)) check_gradients(comm, step);
  for (std::size_t t = 0; t < tables_.size(); ++t) move_rows(t, factors, step);
  timer.charge(Phase::update);
  return united;
}

void Learner::check_loss(Communicator& comm, double loss_here, int64_t step) {
  // After the sum every rank holds the same loss: all ranks go on or none does.
  if (std::isfinite(dense_.total_loss())) return;
  if (!std::isfinite(loss_here)) trouble_ = "the loss is not finite; first hit: " + first_not_finite();
  diverged(comm, step);
}

void Learner::check_gradients(Communicator& comm, int64_t step) {
  // Gradients summed up are the same on all ranks. What comes of finite ones need not be, on hosts that
  // compute in other ways: that is told to the others, as with rows.
  for (std::size_t s = 0; s < dense_.segments().size(); ++s)
    if (!total_is_finite(s)) diverged(comm, step);
  trouble_ = first_not_finite() + " is not finite";
}

void Learner::move_rows(std::size_t table, const StepFactors& factors, int64_t step) {
  if (row_optimizer_.move(tables_[table], exchange_.routes(table).owned(), row_gradients_[table], factors,
                          step, *pool_))
    return;
  // Only the owner of a row sees it and its gradient: it tells the others with the next step's plan, and no
  // checkpoint is written in between that is not checked itself. A row that turns every unit off shows
  // nowhere else: it is multiplied with zeros, which products skip.
  const std::string path = tables_[table].shape().path();
  trouble_ =
      (all_rows_finite(row_gradients_[table]) ? "a row of " : "a gradient of ") + path + " is not finite";
}

std::string Learner::first_not_finite() const {
  // Dense parameters first: what came for a row may be a product with them.
  for (std::size_t s = 0; s < dense_.segments().size(); ++s)
    if (!all_finite(dense_.value(s))) return dense_.segments()[s].path;
  for (std::size_t t = 0; t < tables_.size(); ++t)
    if (!all_rows_finite(exchange_.gathered(t))) return "a row of " + tables_[t].shape().path();
  return "the predictions, all parameters being finite";
}

bool Learner::total_is_finite(std::size_t segment) const {
  const DenseParameters::Total of = dense_.total(segment);
  const auto size = static_cast<std::size_t>(dense_.segments()[segment].size);
  return all_finite({of.first, size}) && (of.second == nullptr || all_finite({of.second, size}));
}

void Learner::diverged(Communicator& comm, int64_t step) {
  const std::string advice = "; a lower train.lr may help. The last checkpoint is from before";
  const std::string where = " (step " + std::to_string(step) + ")";
  agree(comm, [&] {
    if (!trouble_.empty()) throw Error(ErrorKind::diverged, trouble_ + where + advice);
  });
  // No rank saw more than its own part of the sum.
  const std::string summed = " is not finite, summed over all ranks" + where + advice;
  for (std::size_t s = 0; s < dense_.segments().size(); ++s)
    if (!total_is_finite(s))
      throw Error(ErrorKind::diverged, "the gradient of " + dense_.segments()[s].path + summed, true);
  throw Error(ErrorKind::diverged, "the loss" + summed, true);
}

/// Whether all that was moved is finite.
bool Learner::move_dense(const StepFactors& factors) {
  bool finite = true;
  for (std::size_t s = 0; s < dense_.segments().size(); ++s) {
    const Segment& segment = dense_.segments()[s];
    if (!segment.trained) continue;
    const DenseParameters::Total gradient = dense_.total(s);
    finite &= update(factors, segment.decays, segment.size, dense_.value(s).data(), gradient.first,
                     dense_.first_moment(s).data(), dense_.second_moment(s).data(), gradient.second);
  }
  return finite;
}

int64_t Learner::predicted_at_once() const {
  // The more samples, the more of them use a row, which comes and is multiplied once; but all that comes
  // takes memory. Of small tables that is never more than the whole.
  constexpr int64_t few = 32768, many = 65536, rows_of_small_tables = 16384;
  int64_t rows = 0;
  for (const RowTable& t : tables_) rows += t.shape().rows;
  return rows <= rows_of_small_tables ? many : few;
}

void Learner::copy_owned(std::size_t table) {
  constexpr int64_t ahead = 3;  // rows that are asked for meanwhile
  const auto owned = exchange_.routes(table).owned();
  const Matrix& rows = tables_[table].weight;
  pool_->share_out(std::ssize(owned), [&](int64_t first, int64_t end) {
    for (int64_t k = first; k < end; ++k) {
      if (k + ahead < end) prefetch(rows.row(owned[static_cast<std::size_t>(k + ahead)]), rows.cols());
      std::copy_n(rows.row(owned[static_cast<std::size_t>(k)]), rows.cols(), owned_[table].row(k));
    }
  });
}

void Learner::predict(Communicator& comm, int64_t first_position, std::span<const int32_t> users,
                      std::span<const int32_t> items, std::span<float> predictions) {
  const FlushDenormals flush;
  const std::span<const int32_t> ids[] = {users, items};
  exchange_.plan(comm, ids);
  gather(comm, alike_ ? Model::Use::predict_alike : Model::Use::predict, predicted_at_once(),
         [&](std::size_t t) { copy_owned(t); });
  EpochSamples::Part part;
  part.first_position = first_position;
  model_.predict(view(part, 0), dense_, predictions);
}

void Learner::catch_up_all(int64_t step) {
  const FlushDenormals flush;
  for (RowTable& table : tables_) row_optimizer_.catch_up_all(table, step, *pool_);
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
