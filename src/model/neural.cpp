#include "ncf/model/neural.hpp"

#include <algorithm>
#include <string>

#include "ncf/model/dense_init.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

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

void Neural::gather_input(const BatchView& batch, int64_t first, int64_t count) {
  input_.reshape(count, batch.users.cols + batch.items.cols);
  for (int64_t r = 0; r < count; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    float* x = input_.row(r);
    std::copy_n(batch.users.row(batch.user_slots[k]), batch.users.cols, x);
    std::copy_n(batch.items.row(batch.item_slots[k]), batch.items.cols, x + batch.users.cols);
  }
}

void Neural::return_input_gradient(const BatchView& batch, int64_t first, int64_t count,
                                   RowGradients gradients) {
  for (int64_t r = 0; r < count; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    const float* dx = gradient_.row(r);
    add_row(batch.users.cols, dx, gradients.users.row(batch.user_slots[k]));
    add_row(batch.items.cols, dx + batch.users.cols, gradients.items.row(batch.item_slots[k]));
  }
}

MatrixView Neural::input_of(std::size_t layer) {
  if (layer == 0) return input_.view();
  Hidden& below = hidden_[layer - 1];
  return transforms(below) ? below.output.view() : below.activation.view();
}

void Neural::forward(DenseParameters& parameters, bool training, uint64_t stream, int64_t first_position,
                     const GlobalSum& sum) {
  const int64_t rows = input_.rows();
  if (training) dropout(input_.view(), embedding_dropout_, seed_, stream, first_position);
  for (std::size_t l = 0; l < hidden_.size(); ++l) {
    Hidden& h = hidden_[l];
    const MatrixView weight = parameters.matrix(h.weight);
    h.activation.reshape(rows, weight.rows);
    linear_relu_forward(input_of(l), weight, batch_norm_ ? std::span<float>() : parameters.value(h.bias),
                        h.activation.view());
    if (!transforms(h)) continue;
    h.output.reshape(rows, weight.rows);
    std::ranges::copy(h.activation.values(), h.output.data());
    if (batch_norm_ && training)
      h.batch_norm.forward(h.output.view(), parameters.value(h.bn_weight), parameters.value(h.bn_bias),
                           parameters.value(h.bn_mean), parameters.value(h.bn_var), sum);
    else if (batch_norm_)
      BatchNorm::evaluate(h.output.view(), parameters.value(h.bn_weight), parameters.value(h.bn_bias),
                          parameters.value(h.bn_mean), parameters.value(h.bn_var));
    if (training) dropout(h.output.view(), h.dropout, seed_, stream + l + 1, first_position);
  }
  z_.resize(static_cast<std::size_t>(rows));
  unit_forward(input_of(hidden_.size()), parameters.value(out_weight_), parameters.value(out_bias_)[0], z_);
}

void Neural::train_rows(const BatchView& batch, int64_t first, int64_t count, DenseParameters& parameters,
                        RowGradients gradients, LossSum& loss, const GlobalSum& sum) {
  // Streams of dropout masks: a number a layer, the embedding's first, and a block of them an epoch.
  const uint64_t stream = static_cast<uint64_t>(batch.epoch) * (hidden_.size() + 1);
  const int64_t position = batch.first_position + first;
  gather_input(batch, first, count);
  forward(parameters, true, stream, position, sum);
  loss.plain += squared_error(
      z_, batch.ratings.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), range_,
      batch.global_rows, loss.exact);

  const MatrixView top = input_of(hidden_.size());
  gradient_.reshape(count, top.cols);
  unit_backward(top, parameters.value(out_weight_), z_, parameters.gradient(out_weight_),
                parameters.gradient(out_bias_)[0], gradient_.view());
  for (std::size_t l = hidden_.size(); l-- > 0;) {
    Hidden& h = hidden_[l];
    dropout(gradient_.view(), h.dropout, seed_, stream + l + 1, position);
    if (batch_norm_)
      h.batch_norm.backward(gradient_.view(), parameters.value(h.bn_weight), parameters.gradient(h.bn_weight),
                            parameters.gradient(h.bn_bias), sum);
    relu_backward(h.activation.view(), gradient_.view());
    const MatrixView x = input_of(l);
    next_gradient_.reshape(count, x.cols);
    linear_backward(x, parameters.matrix(h.weight), gradient_.view(), parameters.gradient_matrix(h.weight),
                    batch_norm_ ? std::span<float>() : parameters.gradient(h.bias), next_gradient_.view());
    std::swap(gradient_, next_gradient_);
  }
  dropout(gradient_.view(), embedding_dropout_, seed_, stream, position);
  return_input_gradient(batch, first, count, gradients);
}

void Neural::train(const BatchView& batch, DenseParameters& parameters, RowGradients gradients, LossSum& loss,
                   const GlobalSum& sum) {
  if (batch_norm_) return train_rows(batch, 0, batch.samples(), parameters, gradients, loss, sum);
  for (int64_t first = 0; first < batch.samples(); first += micro_batch_)
    train_rows(batch, first, std::min(micro_batch_, batch.samples() - first), parameters, gradients, loss,
               sum);
}

void Neural::predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions) {
  for (int64_t first = 0; first < batch.samples(); first += micro_batch_) {
    const int64_t count = std::min(micro_batch_, batch.samples() - first);
    gather_input(batch, first, count);
    forward(parameters, false, 0, 0, {});
    predict_in_range(z_, range_);
    std::ranges::copy(z_, predictions.begin() + first);
  }
}

}  // namespace ncf
