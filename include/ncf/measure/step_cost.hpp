#pragma once
/// What a training step costs, in operations and bytes: the formulas, and nothing else. `bench` holds them
/// against measured times, `plan` predicts with them. They describe the step of learner.cpp and change with
/// it.

#include <cstdint>
#include <vector>

#include "ncf/config/config.hpp"

namespace ncf {

/// One table in one step. Numbers of rows are expected ones, hence not whole.
struct TableWork {
  int64_t rows = 0;        ///< over all ranks
  int64_t cols = 0;        ///< of a row: all that it has
  int64_t travels = 0;     ///< values that go from the owner of a row to those who use it, and back
  double unique_here = 0;  ///< different rows in a rank's part of the batch
  double unique_all = 0;   ///< different rows in the whole batch
  double brought = 0;      ///< of those in a rank's part, the ones that other ranks own
};

/// A step of a configuration at some number of ranks.
struct StepWork {
  int64_t world = 1;
  int64_t batch = 1;  ///< samples over all ranks
  std::vector<TableWork> tables;
  /// Of the dense layers, the input first, the output last; empty: a product of rows and nothing else.
  std::vector<int64_t> units;
  int64_t gmf_cols = 0;     ///< of a row: what is multiplied by the other table's
  bool batch_norm = false;  ///< after every hidden layer
  int64_t parts = 1;        ///< in which the rows of a batch come (comm.overlap)
  bool projects = false;    ///< the first layer is computed once a row, by the row's owner
  bool by_gates = false;  ///< back through the last hidden layer tables are added up (nn/gated_backward.hpp)
  bool deals = false;     ///< samples go to the owners of their users (train/dealer.hpp)
  double wire = 4;        ///< bytes of a value of a row, or of its gradient, in a message (comm.wire)

  /// Rows of a table that the average rank owns and the batch uses.
  double owned(const TableWork& table) const { return table.unique_all / static_cast<double>(world); }
};

/// The work of a step with this model; the unique rows are left to the caller.
StepWork step_work(const Config& config, int64_t world, int64_t user_rows, int64_t item_rows);

/// Bytes that the average rank sends to others in one step.
struct StepTraffic {
  double ids = 0;        ///< which rows, and how many
  double rows = 0;       ///< values to those that asked
  double gradients = 0;  ///< of rows, to their owners
  double layers = 0;     ///< all-reduce of the dense gradients
  double total() const { return ids + rows + gradients + layers; }
};
StepTraffic step_traffic(const StepWork& work);
/// Collective calls of a step, each at least one latency long.
int64_t step_collectives(const StepWork& work);

/// Multiplications and additions of the average rank, by the phase they are done in: a first layer that is
/// computed once a row is computed by its owner, before the rows travel and after their gradients came back.
struct StepFlops {
  double gather = 0, compute = 0, synchronise = 0;
};
StepFlops step_flops(const StepWork& work);
/// Memory that must be read and written to move the rows that the average rank owns.
double update_bytes(const StepWork& work);
/// What is copied to pack and unpack all that travels one way, in bytes read and written.
double packing_bytes(const StepWork& work);

/// Memory of a rank, the larger parts, in bytes.
struct RankMemory {
  double tables = 0;      ///< rows, moments, the step of each row's last update
  double layers = 0;      ///< dense values, gradients, moments
  double ratings = 0;     ///< samples that train or validate
  double vocabulary = 0;  ///< all ids, on every rank
  double batch = 0;       ///< activations, unique rows and their gradients, what is sent and received
  double program = 0;     ///< program, MPI, and what is small
  double total() const { return tables + layers + ratings + vocabulary + batch + program; }
};
/// `ratings`: over all ranks, training and validation.
RankMemory rank_memory(const Config& config, const StepWork& work, int64_t ratings);

}  // namespace ncf
