#include "ncf/measure/step_cost.hpp"

#include <algorithm>

#include "ncf/data/ratings.hpp"
#include "ncf/model/model.hpp"
#include "ncf/nn/gated_backward.hpp"
#include "ncf/train/due_samples.hpp"
#include "ncf/train/epoch_samples.hpp"

namespace ncf {
namespace {

constexpr double value = sizeof(float), id = sizeof(int32_t), count = sizeof(int64_t);

double padded(int64_t values) {
  const int64_t sixteens = (values + 15) / 16;
  return static_cast<double>(16 * sixteens);
}

/// Of the arena: weights, biases, and for batch normalisation four vectors a hidden layer.
double dense_values(const StepWork& w) {
  double sum = 0;
  for (std::size_t l = 0; l + 1 < w.units.size(); ++l) {
    const bool normalised = w.batch_norm && l + 2 < w.units.size();
    sum += padded(w.units[l] * w.units[l + 1]) + (normalised ? 4 : 1) * padded(w.units[l + 1]);
  }
  if (w.gmf_cols > 0) sum += padded(w.gmf_cols) + (w.units.empty() ? padded(1) : 0);
  return sum;
}

/// Part of what an exchange moves that leaves the rank.
double others(const StepWork& w) {
  return static_cast<double>(w.world - 1) / static_cast<double>(w.world);
}

double samples_here(const StepWork& w) {
  return static_cast<double>(w.batch) / static_cast<double>(w.world);
}

/// As Neural decides it, for the average granule.
bool goes_by_gates(const Config& config, int64_t world) {
  const ModelConfig& model = config.model;
  const TrainConfig& train = config.train;
  if (model.hidden.size() < 2 || model.batch_norm || model.dropout.back() > 0) return false;
  const int64_t granules = train.reproducible == Reproducible::ranks ? train.granules : world;
  return gates_pay(std::min(train.batch_size / granules, train.micro_batch),
                   train.precision == PrecisionKind::bf16 ? Precision::bf16 : Precision::fp32);
}

}  // namespace

StepWork step_work(const Config& config, int64_t world, int64_t user_rows, int64_t item_rows) {
  StepWork w;
  w.world = world;
  w.batch = config.train.batch_size;
  w.deals = config.train.reproducible == Reproducible::run &&
            EpochSamples::quickest_order(config.model) == EpochSamples::Order::with_owner;
  w.wire = config.comm.wire == WireKind::bf16 ? 2 : value;
  int64_t input = 0;
  for (const TableShape& t : table_shapes(config.model, user_rows, item_rows)) {
    w.tables.push_back({.rows = t.rows, .cols = t.cols(), .travels = t.cols()});
    input += t.width;
    w.gmf_cols = t.gmf_width;
  }
  if (config.model.has_layers()) {
    w.units.push_back(input);
    w.units.insert(w.units.end(), config.model.hidden.begin(), config.model.hidden.end());
    w.units.push_back(1);
    w.batch_norm = config.model.batch_norm;
    w.projects =
        projects_rows(config.model, config.train, table_shapes(config.model, user_rows, item_rows), w.batch);
    w.by_gates = goes_by_gates(config, world);
  }
  if (w.projects)
    for (TableWork& t : w.tables) t.travels = tower_room(w.gmf_cols) + w.units[1];
  return w;
}

StepTraffic step_traffic(const StepWork& w) {
  StepTraffic t;
  if (w.world == 1) return t;
  t.ids = static_cast<double>(w.world - 1) * count * static_cast<double>(std::ssize(w.tables) * w.parts + 1);
  for (const TableWork& table : w.tables) {
    t.ids += id * table.brought;
    t.rows += w.wire * static_cast<double>(table.travels) * table.brought;
  }
  t.gradients = t.rows;
  t.layers = 2 * others(w) * value * (dense_values(w) + 16);  // 16: the loss travels with them
  if (w.batch_norm)  // sums and squares forward, two sums backward, in double
    for (std::size_t l = 1; l + 1 < w.units.size(); ++l)
      t.layers += 2 * others(w) * sizeof(double) * 4 * static_cast<double>(w.units[l]);
  return t;
}

int64_t step_collectives(const StepWork& w) {
  if (w.world == 1) return 0;
  const auto hidden = static_cast<int64_t>(w.units.empty() ? 0 : w.units.size() - 2);
  return 5 + (w.batch_norm ? 3 * hidden : 0);  // counts, ids, rows, gradients of layers, gradients of rows
}

StepFlops step_flops(const StepWork& w) {
  StepFlops flops;
  if (w.units.empty() && w.gmf_cols == 0) {  // the product, and its two gradients
    flops.compute = samples_here(w) * 6 * static_cast<double>(w.tables[0].cols);
    return flops;
  }
  const double products =
      samples_here(w) * 11 * static_cast<double>(w.gmf_cols);  // and the weights' gradients
  if (w.units.empty()) {
    flops.compute = products;
    return flops;
  }
  double weights = 0;  // of the layers that are computed once a sample
  for (std::size_t l = w.projects ? 1 : 0; l + 1 < w.units.size(); ++l)
    weights += static_cast<double>(w.units[l] * w.units[l + 1]);
  flops.compute =
      products + samples_here(w) * 6 * weights;  // forward, gradients of inputs, gradients of weights
  if (w.by_gates) {
    const int64_t units = w.units[w.units.size() - 2], in = w.units[w.units.size() - 3];
    flops.compute -= samples_here(w) * static_cast<double>(4 * in * units - 2 * in * gate_tables(units));
  }
  if (!w.projects) return flops;
  for (const TableWork& t : w.tables)
    flops.gather += w.owned(t) * 2 * static_cast<double>((t.cols - w.gmf_cols) * w.units[1]);
  flops.synchronise = 2 * flops.gather;
  return flops;
}

double update_bytes(const StepWork& w) {
  double values = dense_values(w);
  for (const TableWork& t : w.tables) values += static_cast<double>(t.cols) * w.owned(t);
  return 7 * value * values;  // read weight, gradient and both moments; write all but the gradient
}

double packing_bytes(const StepWork& w) {
  double values = 0;
  for (const TableWork& t : w.tables) values += static_cast<double>(t.travels) * t.brought;
  return 2 * (value + w.wire) * values;  // read and written by the sender and by the receiver
}

RankMemory rank_memory(const Config& config, const StepWork& w, int64_t ratings) {
  RankMemory m;
  m.program = w.units.empty() ? 36e6 : 48e6;  // measured; oneDNN makes its kernels at run time
  for (const TableWork& t : w.tables) {
    const double cols = static_cast<double>(t.cols), rows = static_cast<double>(t.rows);
    m.tables += rows / static_cast<double>(w.world) * (3 * value * cols + count);
    m.vocabulary += count * rows;
    // What is said of rows, its gradients, and those of granules; sent and received. Owned rows and theirs.
    const double travels = static_cast<double>(t.travels) * value;
    m.batch +=
        (w.owned(t) + t.brought) * travels * 4 + t.brought * travels * 4 + w.owned(t) * cols * value * 3;
    m.batch += samples_here(w) * 6 * count;  // places while sorting
  }
  m.layers = 4 * value * dense_values(w);
  const std::size_t of_rating = sizeof(Sample) + (w.deals && w.world > 1 ? DueSamples::bytes_a_sample : 0);
  m.ratings = static_cast<double>(ratings) / static_cast<double>(w.world) * static_cast<double>(of_rating);
  const double at_once = std::min(samples_here(w), static_cast<double>(config.train.micro_batch));
  for (const int64_t n : w.units) m.batch += at_once * static_cast<double>(n) * value * 3;
  return m;
}

}  // namespace ncf
