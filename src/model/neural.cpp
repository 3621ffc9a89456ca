#include "ncf/model/neural.hpp"

#include <algorithm>
#include <string>

#include "ncf/model/dense_init.hpp"

namespace ncf {

Neural::Neural(const ModelConfig& config, const std::vector<TableShape>& tables, int64_t micro_batch,
               uint64_t seed, DenseParameters& parameters)
    : batch_norm_(config.batch_norm),
      embedding_dropout_(config.embedding_dropout),
      micro_batch_(micro_batch),
      seed_(seed) {
  if (config.y_range)
    range_ =
        OutputRange{static_cast<float>(config.y_range->at(0)), static_cast<float>(config.y_range->at(1))};
  int64_t in = tables.at(0).cols() + tables.at(1).cols();
  for (std::size_t l = 0; l < config.hidden.size(); ++l) {
    const int64_t out = config.hidden[l];
    const std::string path = "/mlp/" + std::to_string(l);
    Hidden h;
    h.dropout = config.dropout.size() == 1 ? config.dropout[0] : config.dropout.at(l);
    h.weight = parameters.add(path + "/weight", {out, in}, true);
    init_uniform(parameters, h.weight, in, seed);
    if (batch_norm_) {
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
  const std::string path = "/mlp/" + std::to_string(hidden_.size());
  out_weight_ = parameters.add(path + "/weight", {1, in}, true);
  out_bias_ = parameters.add(path + "/bias", {1}, false);
  init_uniform(parameters, out_weight_, in, seed);
  init_uniform(parameters, out_bias_, in, seed);
}

void Neural::gather_input(const BatchView& batch, int64_t first, int64_t count, int64_t at) {
  for (int64_t r = 0; r < count; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    float* x = input_.row(at + r);
    std::copy_n(batch.users.row(batch.user_slots[k]), batch.users.cols, x);
    std::copy_n(batch.items.row(batch.item_slots[k]), batch.items.cols, x + batch.users.cols);
  }
}

std::span<const float> Neural::bias_of(const Hidden& h, DenseParameters& parameters) const {
  return batch_norm_ ? std::span<const float>() : parameters.value(h.bias);
}

void Neural::transpose_weights(int64_t rows, DenseParameters& parameters) {
  constexpr int64_t worth_it = 512;  // rows; measured
  transposed_ = rows >= worth_it;
  if (!transposed_) return;
  for (Hidden& h : hidden_) transpose(parameters.matrix(h.weight), h.transposed_weight);
}

ForwardWeight Neural::weight_of(std::size_t layer, DenseParameters& parameters) const {
  const Hidden& h = hidden_[layer];
  return transposed_ ? ForwardWeight{h.transposed_weight.view(), true}
                     : ForwardWeight{parameters.matrix(h.weight), false};
}

MatrixView Neural::input_of(std::size_t layer) {
  if (layer == 0) return input_.view();
  Hidden& below = hidden_[layer - 1];
  return transforms(below) ? below.output.view() : below.activation.view();
}

void Neural::forward_first(const Pass& pass, const Chunk& c, DenseParameters& parameters) {
  Hidden& h = hidden_[0];
  const MatrixView y = h.activation.view().rows_from(c.first, c.count);
  if (factored_.covers(c.granule)) return factored_.forward(pass.first + c.first, y);
  linear_relu_forward(input_.view().rows_from(c.first, c.count), weight_of(0, parameters),
                      bias_of(h, parameters), y);
}

void Neural::forward(const Pass& pass, DenseParameters& parameters, const GlobalSum& sum) {
  const int64_t rows = input_.rows();
  if (pass.training) dropout(input_.view(), embedding_dropout_, seed_, pass.stream, pass.first_position);
  for (std::size_t l = 0; l < hidden_.size(); ++l) {
    Hidden& h = hidden_[l];
    const int64_t units = parameters.matrix(h.weight).rows;
    h.activation.reshape(rows, units);
    for (const Chunk& c : pass.chunks)
      if (l == 0)
        forward_first(pass, c, parameters);
      else
        linear_relu_forward(input_of(l).rows_from(c.first, c.count), weight_of(l, parameters),
                            bias_of(h, parameters), h.activation.view().rows_from(c.first, c.count));
    if (!transforms(h)) continue;
    h.output.reshape(rows, units);
    std::ranges::copy(h.activation.values(), h.output.data());
    if (batch_norm_ && pass.training)
      h.batch_norm.forward(h.output.view(), bounds_, parameters.value(h.bn_weight),
                           parameters.value(h.bn_bias), parameters.value(h.bn_mean),
                           parameters.value(h.bn_var), sum);
    else if (batch_norm_)
      BatchNorm::evaluate(h.output.view(), parameters.value(h.bn_weight), parameters.value(h.bn_bias),
                          parameters.value(h.bn_mean), parameters.value(h.bn_var));
    if (pass.training) dropout(h.output.view(), h.dropout, seed_, pass.stream + l + 1, pass.first_position);
  }
  z_.resize(static_cast<std::size_t>(rows));
  unit_forward(input_of(hidden_.size()), parameters.value(out_weight_), parameters.value(out_bias_)[0], z_);
}

void Neural::backward(const Pass& pass, DenseParameters& parameters, const GlobalSum& sum) {
  const MatrixView top = input_of(hidden_.size());
  const MatrixView gradients = sample_gradients_.view().rows_from(pass.first, pass.rows());
  // The gradient of the input goes straight to its buffer; those of hidden layers live here.
  gradient_.reshape(top.rows, top.cols);
  MatrixView dy = hidden_.empty() ? gradients : gradient_.view();
  for (const Chunk& c : pass.chunks)
    unit_backward(top.rows_from(c.first, c.count), parameters.value(out_weight_),
                  std::span(z_).subspan(static_cast<std::size_t>(c.first), static_cast<std::size_t>(c.count)),
                  parameters.gradient(out_weight_, c.granule), parameters.gradient(out_bias_, c.granule)[0],
                  dy.rows_from(c.first, c.count));
  for (std::size_t l = hidden_.size(); l-- > 0;) {
    Hidden& h = hidden_[l];
    dropout(dy, h.dropout, seed_, pass.stream + l + 1, pass.first_position);
    if (batch_norm_)
      h.batch_norm.backward(dy, bounds_, parameters.value(h.bn_weight), parameters.gradient_rows(h.bn_weight),
                            parameters.gradient_rows(h.bn_bias), sum);
    if (l > 0) next_gradient_.reshape(dy.rows, input_of(l).cols);
    const MatrixView dx = l == 0 ? gradients : next_gradient_.view();
    for (const Chunk& c : pass.chunks) backward_linear(pass, l, c, parameters, dy, dx);
    std::swap(gradient_, next_gradient_);
    dy = dx;
  }
  dropout(gradients, embedding_dropout_, seed_, pass.stream, pass.first_position);
}

void Neural::backward_linear(const Pass& pass, std::size_t layer, const Chunk& c, DenseParameters& parameters,
                             MatrixView dy, MatrixView dx) {
  Hidden& h = hidden_[layer];
  const MatrixView y = h.activation.view().rows_from(c.first, c.count);
  dy = dy.rows_from(c.first, c.count);
  if (layer == 0 && factored_.covers(c.granule)) return factored_.backward(pass.first + c.first, y, dy);
  relu_backward(y, dy);
  linear_backward(input_of(layer).rows_from(c.first, c.count), parameters.matrix(h.weight), dy,
                  parameters.gradient_matrix(h.weight, c.granule),
                  batch_norm_ ? std::span<float>() : parameters.gradient(h.bias, c.granule),
                  dx.rows_from(c.first, c.count));
}

void Neural::project(const BatchView& batch, int64_t granule, DenseParameters& parameters) {
  if (factored_.covers(granule))
    factored_.project(batch, granule, weight_of(0, parameters), bias_of(hidden_[0], parameters));
}

void Neural::finish(int64_t granule, DenseParameters& parameters) {
  if (!factored_.covers(granule)) return;
  const Hidden& h = hidden_[0];
  factored_.finish(granule, parameters.matrix(h.weight), parameters.gradient_matrix(h.weight, granule),
                   batch_norm_ ? std::span<float>() : parameters.gradient(h.bias, granule));
}

Neural::Pass Neural::pass_of(const BatchView& batch, int64_t first, std::span<const Chunk> chunks) const {
  // Streams of dropout masks: a number a layer, the embedding's first, and a block of them an epoch.
  return {.chunks = chunks,
          .first = first,
          .first_position = batch.first_position + first,
          .stream = static_cast<uint64_t>(batch.epoch) * (hidden_.size() + 1),
          .training = true};
}

void Neural::train_pass(const BatchView& batch, const Pass& pass, DenseParameters& parameters, LossSum& loss,
                        const GlobalSum& sum) {
  const int64_t count = pass.rows();
  input_.reshape(count, batch.users.cols + batch.items.cols);
  for (const Chunk& c : pass.chunks)
    if (!factored_.covers(c.granule)) gather_input(batch, pass.first + c.first, c.count, c.first);
  forward(pass, parameters, sum);
  const auto ratings =
      batch.ratings.subspan(static_cast<std::size_t>(pass.first), static_cast<std::size_t>(count));
  loss.plain += squared_error(z_, ratings, range_, batch.global_rows, loss.exact);
  backward(pass, parameters, sum);
}

void Neural::train(const BatchView& batch, DenseParameters& parameters, std::span<RowGradients, 2> gradients,
                   LossSum& loss, const GlobalSum& sum) {
  const int64_t user_cols = batch.users.cols, item_cols = batch.items.cols;
  sample_gradients_.reshape(batch.samples(), user_cols + item_cols);
  transpose_weights(batch.global_rows, parameters);  // of the whole batch: the same on any number of ranks
  factored_.clear();
  // Dropped out inputs differ from sample to sample.
  if (!hidden_.empty() && embedding_dropout_ == 0)
    factored_.plan(batch, parameters.matrix(hidden_[0].weight).rows);
  bounds_.assign(batch.bounds.begin(), batch.bounds.end());
  chunks_.clear();
  for (std::size_t g = 0; g + 1 < bounds_.size(); ++g)
    chunks_.push_back({bounds_[g], bounds_[g + 1] - bounds_[g], static_cast<int64_t>(g)});

  if (batch_norm_) {  // one pass over the whole slice
    for (const Chunk& c : chunks_) project(batch, c.granule, parameters);
    train_pass(batch, pass_of(batch, 0, chunks_), parameters, loss, sum);
    for (const Chunk& c : chunks_) finish(c.granule, parameters);
  } else {
    for (const Chunk& whole : chunks_) {
      project(batch, whole.granule, parameters);
      for (int64_t at = 0; at < whole.count; at += micro_batch_) {
        const Chunk part{0, std::min(micro_batch_, whole.count - at), whole.granule};
        train_pass(batch, pass_of(batch, whole.first + at, std::span(&part, 1)), parameters, loss, sum);
      }
      finish(whole.granule, parameters);
    }
  }

  for (std::size_t t = 0; t < 2; ++t) {
    const MatrixView of_table =
        sample_gradients_.view().cols_from(t == 0 ? 0 : user_cols, t == 0 ? user_cols : item_cols);
    gradients[t].clear();
    for (const Chunk& c : chunks_)
      if (factored_.covers(c.granule))
        factored_.list(t, c.granule, gradients[t]);
      else
        list_samples(batch, t, c.granule, of_table, gradients[t]);
  }
}

void Neural::predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions) {
  if (batch.fixed_places) return predict_in_windows(batch, parameters, predictions);
  BatchView whole = batch;
  const int64_t bounds[] = {0, batch.samples()};
  whole.bounds = bounds;
  transpose_weights(batch.samples(), parameters);
  factored_.clear();
  if (!hidden_.empty()) factored_.plan(whole, parameters.matrix(hidden_[0].weight).rows);
  project(whole, 0, parameters);
  for (int64_t at = 0; at < batch.samples(); at += micro_batch_) {
    const Chunk part{0, std::min(micro_batch_, batch.samples() - at), 0};
    const Pass pass{.chunks = std::span(&part, 1), .first = at, .training = false};
    input_.reshape(part.count, batch.users.cols + batch.items.cols);
    if (!factored_.covers(0)) gather_input(batch, at, part.count, 0);
    forward(pass, parameters, {});
    predict_in_range(z_, range_);
    std::ranges::copy(z_, predictions.begin() + at);
  }
}

void Neural::predict_in_windows(const BatchView& batch, DenseParameters& parameters,
                                std::span<float> predictions) {
  // Windows of the global order: a row's place in its matrix product, and the product's shape, are the same
  // whichever rank predicts it. Rows of a window that are not this rank's are zeros.
  constexpr int64_t window = 256;
  transposed_ = false;
  const Chunk whole{0, window, -1};
  const Pass pass{.chunks = std::span(&whole, 1), .training = false};
  for (int64_t first = 0; first < batch.samples();) {
    const int64_t at = (batch.first_position + first) % window;
    const int64_t count = std::min(window - at, batch.samples() - first);
    input_.reshape(window, batch.users.cols + batch.items.cols);
    if (count < window) input_.fill(0);
    gather_input(batch, first, count, at);
    forward(pass, parameters, {});
    predict_in_range(z_, range_);
    std::copy_n(z_.begin() + at, count, predictions.begin() + first);
    first += count;
  }
}

}  // namespace ncf
