#pragma once
/// What a run learns, and one step of learning it: the tables, the dense parameters, the model, the
/// optimiser. The step reads like the picture in docs/architecture.md: a batch goes down, its gradients come
/// back up.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/courier.hpp"
#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/embed/row_exchange.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/model.hpp"
#include "ncf/nn/parameters.hpp"
#include "ncf/nn/schedule.hpp"
#include "ncf/train/epoch_samples.hpp"
#include "ncf/train/granule_sums.hpp"
#include "ncf/train/row_optimizer.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/worker_pool.hpp"

namespace ncf {

/// How the batches of this configuration are cut for this many ranks. Throws an agreed Error{usage} when
/// train.reproducible is `ranks` and they do not divide train.granules.
Granules make_granules(const TrainConfig& config, int64_t world, int64_t threads = 1);

/// How many of `threads` a rank's part of a batch keeps busy: small parts are computed sooner than shared
/// out.
int64_t useful_threads(const TrainConfig& config, int64_t world, int64_t threads);
/// The threads that every rank trains with: what the least of them has, as far as it is useful. Collective.
int64_t agree_on_threads(Communicator& comm, const Config& config);

/// Whether rows travel beside the computation in this job (comm.overlap); with `auto`, whether that may gain
/// and is worth a trial (overlap_trial.hpp). The same on all ranks.
bool overlaps(const Config& config, const Communicator& comm);

/// Throws Error{usage} when this machine has no products in the precision that is asked for.
void check_precision(const TrainConfig& config);

/// The schedule of a run of this many steps.
Schedule make_schedule(const TrainConfig& config, int64_t total_steps, int64_t steps_per_epoch);

class Learner {
 public:
  /// Computes with so many threads; a batch's work is shared out by granules.
  Learner(const Config& config, ShardMap shards, Granules granules, int64_t user_rows, int64_t item_rows,
          const Schedule& schedule, int64_t threads = 1);

  /// Between steps: whether rows and their gradients travel while this rank computes (courier.hpp), or before
  /// and after. The same on all ranks. At first they do not.
  void set_overlap(bool beside);
  /// Before the first step: ranks of one host read each other's rows and gradients in place. Collective.
  void share_memory(Communicator& comm);
  /// In how many parts the rows of a whole batch come: in one where its samples are sorted first.
  int64_t parts(int64_t batch_size) const;

  /// One step on this rank's part of the batch; `step` counts from 1 over the whole run. Adds to `loss` this
  /// rank's squared errors. `notes`, at most 32 bits, are for all ranks; returns those of all of them,
  /// united. Throws an agreed Error{diverged} when the loss or a gradient is not finite, at the latest in the
  /// step after. Collective.
  uint64_t step(Communicator& comm, const EpochSamples::Part& part, int64_t step, int64_t epoch,
                LossSum& loss, PhaseTimer& timer, uint64_t notes = 0);

  /// How many samples a rank best predicts at once, the same on all ranks: few enough for what comes for
  /// them.
  int64_t predicted_at_once() const;

  /// Predictions for samples; other ranks may bring another number of them, or none. `first_position`: the
  /// number of the first one among all ranks' samples. Rows must be caught up (catch_up_all). Collective.
  void predict(Communicator& comm, int64_t first_position, std::span<const int32_t> users,
               std::span<const int32_t> items, std::span<float> predictions);

  /// Applies all missed decay up to and including `step`: the tables then are what a dense reader expects.
  void catch_up_all(int64_t step);

  std::vector<RowTable>& tables() { return tables_; }
  const std::vector<RowTable>& tables() const { return tables_; }
  DenseParameters& dense() { return dense_; }
  const Schedule& schedule() const { return schedule_; }
  /// Trained values over all ranks.
  int64_t parameter_count() const;
  /// Bytes of tables and dense parameters with their gradients and moments on this rank.
  int64_t memory_bytes() const;

 private:
  BatchView view(const EpochSamples::Part& part, int64_t epoch) const;
  int64_t largest_granule(int64_t batch_size) const;
  bool sorts(int64_t batch_size) const;
  SampleParts sample_parts(const EpochSamples::Part& part);
  void gather(Communicator& comm, Model::Use use, int64_t rows,
              const std::function<void(std::size_t table)>& fill_owned);
  void copy_owned(std::size_t table);
  void compute(Communicator& comm, const EpochSamples::Part& part, int64_t epoch, LossSum& here);
  void return_gradients(Communicator& comm);
  OwnedRows owned_rows(std::size_t table) const;
  void check_loss(Communicator& comm, double loss_here, int64_t step);
  void check_gradients(Communicator& comm, int64_t step);
  void move_rows(std::size_t table, const StepFactors& factors, int64_t step);
  [[noreturn]] void diverged(Communicator& comm, int64_t step);
  std::string first_not_finite() const;
  bool total_is_finite(std::size_t segment) const;
  bool move_dense(const StepFactors& factors);

  std::unique_ptr<WorkerPool> pool_;  // apart: the model holds on to it while a Learner moves
  UpdateRule rule_;
  Schedule schedule_;
  std::vector<RowTable> tables_;  // user, item
  DenseParameters dense_;
  Model model_;
  RowOptimizer row_optimizer_;
  Granules granules_;
  bool alike_ = false;  // nothing may depend on how samples are dealt to ranks
  RowExchange exchange_;
  Wire wire_ = Wire::fp32;  // of rows to train with and their gradients; what is predicted with is exact
  GranuleSums sums_;
  // By table, for the batch at hand:
  std::array<MatrixView, 2> owned_;          // [owned × cols]: the rows this rank owns
  std::array<Matrix, 2> copies_;             // those, unless they stand where they travel from
  std::array<RowSums, 2> row_sums_;          // gradients of what was gathered
  std::array<MatrixView, 2> row_gradients_;  // [owned × cols], of all ranks
  std::array<Matrix, 2> own_gradients_;      // those, unless they are what travelled
  std::vector<uint8_t> part_of_sample_;      // [samples], where the rows come in parts
  std::vector<Courier::Ticket> coming_;      // [parts]: what brings them
  std::string trouble_;               // what this rank found not finite and the others do not know of yet
  std::unique_ptr<Courier> courier_;  // last: its thread uses what is above
};

}  // namespace ncf
