#include "ncf/model/neural.hpp"

#include <algorithm>
#include <string>

#include "ncf/model/dense_init.hpp"
#include "ncf/util/denormals.hpp"

namespace ncf {
namespace {

constexpr int64_t window = 256;  // rows that are predicted together at fixed places

}  // namespace

Neural::Neural(const ModelConfig& config, const TrainConfig& train, const std::vector<TableShape>& tables,
               uint64_t seed, DenseParameters& parameters, WorkerPool& pool)
    : config_(config),
      train_(train),
      precision_(train.precision == PrecisionKind::bf16 ? Precision::bf16 : Precision::fp32),
      seed_(seed),
      tables_(tables),
      pool_(&pool),
      work_(static_cast<std::size_t>(pool.workers())) {
  if (config.y_range)
    range_ =
        OutputRange{static_cast<float>(config.y_range->at(0)), static_cast<float>(config.y_range->at(1))};
  int64_t in = input_cols();
  for (std::size_t l = 0; l < config.hidden.size(); ++l) {
    const int64_t out = config.hidden[l];
    const std::string path = "/mlp/" + std::to_string(l);
    Hidden h;
    h.units = out;
    h.dropout = config.dropout.size() == 1 ? config.dropout[0] : config.dropout.at(l);
    h.weight = parameters.add(path + "/weight", {out, in}, true);
    init_uniform(parameters, h.weight, in, seed);
    if (config_.batch_norm) {
      h.bn_weight = parameters.add(path + "/bn/weight", {out}, false);
      h.bn_bias = parameters.add(path + "/bn/bias", {out}, false);
      h.bn_mean = parameters.add(path + "/bn/running_mean", {out}, false, false);
      h.bn_var = parameters.add(path + "/bn/running_var", {out}, false, false);
      std::ranges::fill(parameters.value(h.bn_weight), 1.0F);
      std::ranges::fill(parameters.value(h.bn_bias), 1e-3F);
      std::ranges::fill(parameters.value(h.bn_var), 1.0F);
    } else {
      h.bias = parameters.add(path + "/bias", {out}, false);
      init_uniform(parameters, h.bias, in, seed);
    }
    hidden_.push_back(std::move(h));
    in = out;
  }
  for (Workspace& work : work_) work.activations.resize(hidden_.size());
  const std::string path = "/mlp/" + std::to_string(hidden_.size());
  out_weight_ = parameters.add(path + "/weight", {1, in}, true);
  out_bias_ = parameters.add(path + "/bias", {1}, false);
  // One Linear with what both towers end with.
  const int64_t width = tables_[0].gmf_width, fan_in = in + width;
  init_uniform(parameters, out_weight_, fan_in, seed);
  init_uniform(parameters, out_bias_, fan_in, seed);
  if (width > 0) tower_.emplace(width, fan_in, seed, parameters);
}

void Neural::begin(Use use, int64_t rows, DenseParameters& parameters) {
  const bool alike = use == Use::predict_alike;
  // Where a row's products depend on the rows beside it, these must be the same.
  fixed_places_ = alike && !rows_are_independent(Op::transpose);
  // Samples to predict come in the order of the ratings, where a user's often stand together.
  projects_ = use == Use::train ? projects_rows(config_, train_, tables_, rows) : !hidden_.empty();
  if (fixed_places_) projects_ = false;
  transposed_ = !alike && wants_plain_right(rows);
  if (!transposed_) return;
  for (Hidden& h : hidden_) transpose(parameters.matrix(h.weight), h.transposed_weight);
}

std::span<const float> Neural::bias_of(const Hidden& h, DenseParameters& parameters) const {
  return config_.batch_norm ? std::span<const float>() : parameters.value(h.bias);
}

ForwardWeight Neural::weight_of(std::size_t layer, DenseParameters& parameters) const {
  const Hidden& h = hidden_[layer];
  return transposed_ ? ForwardWeight{h.transposed_weight.view(), true}
                     : ForwardWeight{parameters.matrix(h.weight), false};
}

void Neural::project(std::size_t table, const OwnedRows& rows, DenseParameters& parameters, MatrixView out) {
  const TableShape& shape = tables_[table];
  if (tower_)
    pool_->share_out(out.rows, [&](int64_t first, int64_t end) {
      for (int64_t r = first; r < end; ++r)
        std::fill(std::copy_n(rows.values.row(r), shape.gmf_width, out.row(r)), out.row(r) + tower_cols(),
                  0.0F);
    });
  // Every sample has one user: the users' products bring the bias.
  project_rows({rows.values.cols_from(shape.gmf_width, shape.width), rows.class_bounds},
               weight_of(0, parameters).inputs(table == 0 ? 0 : tables_[0].width, shape.width),
               table == 0 ? bias_of(hidden_[0], parameters) : std::span<const float>(), of_layers(table, out),
               *pool_, precision_);
}

void Neural::project_backward(std::size_t table, const OwnedRows& rows, const Granules& granules,
                              MatrixView sums, DenseParameters& parameters, MatrixView row_gradients) {
  const TableShape& shape = tables_[table];
  if (tower_)
    pool_->share_out(sums.rows, [&](int64_t first, int64_t end) {
      for (int64_t r = first; r < end; ++r) std::copy_n(sums.row(r), shape.gmf_width, row_gradients.row(r));
    });
  const bool with_bias = table == 0 && !config_.batch_norm;
  project_rows_backward({rows.values.cols_from(shape.gmf_width, shape.width), rows.class_bounds},
                        of_layers(table, sums), granules, parameters, hidden_[0].weight,
                        table == 0 ? 0 : tables_[0].width, with_bias ? &hidden_[0].bias : nullptr,
                        row_gradients.cols_from(shape.gmf_width, shape.width), *pool_, precision_);
}

bool Neural::sorts_samples(int64_t rows, int64_t largest) const {
  // Where units can be left out (leave_out_units()) of products with the samples, of which a granule has
  // more than a micro-batch, and products so large that it pays (docs/decisions/sorted-samples.md). Masks of
  // dropout belong to places.
  constexpr int64_t enough_rows = 1024, enough_units = 256;
  return rows >= enough_rows && largest > train_.micro_batch && hidden_.size() > 1 &&
         hidden_[0].units >= enough_units && config_.embedding_dropout == 0 && config_.plain_layers() &&
         !projects_rows(config_, train_, tables_, rows);
}

void Neural::order_samples(BatchView& batch, DenseParameters& parameters) {
  if (!transposed_ || !leaving_out_pays(train_.micro_batch)) return;
  order_.arrange(parameters.matrix(hidden_[0].weight), hidden_[0].transposed_weight.view(),
                 {of_layers(0, batch.users), of_layers(1, batch.items)}, batch, *pool_);
}

Neural::Pass Neural::pass_of(const BatchView& batch, int64_t first, std::span<const Chunk> chunks,
                             int64_t rows) const {
  // Streams of dropout masks: a number a layer, the embedding's first, and a block of them an epoch.
  return {.chunks = chunks,
          .first = first,
          .rows = rows,
          .first_position = batch.first_position + first,
          .stream = static_cast<uint64_t>(batch.epoch) * (hidden_.size() + 1)};
}

/// Small granules are computed several at once on a thread, where rows have the same bits then: all but what
/// sums rows up. More than one, or each as it is.
int64_t Neural::granules_at_once(std::span<const Chunk> granules) const {
  int64_t largest = 1;
  for (const Chunk& g : granules) largest = std::max(largest, g.count);
  // What a large granule does another way must not depend on its company.
  if (pool_->workers() > 1 || !rows_are_independent(Op::none) || by_gates(largest)) return 1;
  return std::min(std::ssize(granules), train_.micro_batch / largest);
}

void Neural::train_together(const BatchView& batch, std::span<const Chunk> granules, int64_t at_once,
                            DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss,
                            const GlobalSum& sum) {
  for (auto g = granules.begin(); g < granules.end();) {
    std::vector<Chunk> chunks(g, g + std::min(at_once, granules.end() - g));
    g += std::ssize(chunks);
    const int64_t first = chunks[0].first, count = chunks.back().first + chunks.back().count - first;
    for (Chunk& chunk : chunks) chunk.first -= first;
    batch.wait_for(first, count);
    Pass pass = pass_of(batch, first, chunks, count);
    pass.at_once = true;
    train_pass(batch, pass, work_[0], parameters, sums, loss, sum);
  }
}

void Neural::train(const BatchView& batch, DenseParameters& parameters, std::span<RowSums, 2> sums,
                   LossSum& loss, const GlobalSum& sum) {
  std::vector<Chunk> granules;
  for (int64_t g = 0; g < batch.granules(); ++g) {
    const auto at = static_cast<std::size_t>(g);
    granules.push_back({batch.bounds[at], batch.bounds[at + 1] - batch.bounds[at], g});
  }
  if (config_.batch_norm)  // one pass over the whole slice
    return train_pass(batch, pass_of(batch, 0, granules, batch.samples()), work_[0], parameters, sums, loss,
                      sum);
  if (const int64_t together = granules_at_once(granules); together > 1)
    return train_together(batch, granules, together, parameters, sums, loss, sum);
  std::vector<LossSum> losses(granules.size());
  pool_->run(batch.granules(), [&](int64_t g, int64_t worker) {
    const FlushDenormals flush;
    const Chunk& granule = granules[static_cast<std::size_t>(g)];
    for (int64_t at = 0; at < granule.count; at += train_.micro_batch) {
      const Chunk part{0, std::min(train_.micro_batch, granule.count - at), granule.granule};
      batch.wait_for(granule.first + at, part.count);
      train_pass(batch, pass_of(batch, granule.first + at, std::span(&part, 1), part.count),
                 work_[static_cast<std::size_t>(worker)], parameters, sums,
                 losses[static_cast<std::size_t>(g)], sum);
    }
  });
  for (const LossSum& of_granule : losses) {
    loss.exact.add(of_granule.exact);
    loss.plain += of_granule.plain;
  }
}

void Neural::predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions) {
  if (batch.samples() == 0) return;
  // Windows of the global order where predictions must not depend on who makes them.
  const int64_t size = fixed_places_ ? window : train_.micro_batch;
  const int64_t before = fixed_places_ ? batch.first_position % size : 0;
  const int64_t parts = (before + batch.samples() + size - 1) / size;
  pool_->run(parts, [&](int64_t part, int64_t worker) {
    const FlushDenormals flush;
    Workspace& work = work_[static_cast<std::size_t>(worker)];
    const int64_t first = std::max<int64_t>(0, part * size - before);
    if (fixed_places_) return predict_window(batch, work, first, parameters, predictions);
    const Chunk chunk{0, std::min(size, batch.samples() - first), 0};
    const Pass pass{.chunks = std::span(&chunk, 1), .first = first, .rows = chunk.count, .training = false};
    if (!projects_) {
      work.input.reshape_aligned(chunk.count, input_cols());
      gather_input(batch, first, chunk.count, 0, work.input);
    }
    forward(batch, pass, work, parameters, {});
    if (tower_) tower_->forward(batch, first, parameters, work.z);
    predict_in_range(work.z, range_);
    std::ranges::copy(work.z, predictions.begin() + first);
  });
}

void Neural::predict_window(const BatchView& batch, Workspace& work, int64_t first,
                            DenseParameters& parameters, std::span<float> predictions) const {
  // A row's place in its matrix product, and the product's shape, are the same whichever rank predicts it.
  // Rows of a window that are not this rank's are zeros.
  const Chunk whole{0, window, -1};
  const Pass pass{.chunks = std::span(&whole, 1), .rows = window, .training = false};
  const int64_t at = (batch.first_position + first) % window;
  const int64_t count = std::min(window - at, batch.samples() - first);
  work.input.reshape_aligned(window, input_cols());
  if (count < window) work.input.fill(0);
  gather_input(batch, first, count, at, work.input);
  forward(batch, pass, work, parameters, {});
  if (tower_)
    tower_->forward(batch, first, parameters,
                    std::span(work.z).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count)));
  predict_in_range(work.z, range_);
  std::copy_n(work.z.begin() + at, count, predictions.begin() + first);
}

}  // namespace ncf
