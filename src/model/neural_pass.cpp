// One pass of samples through the layers of the neural model and back.
#include <algorithm>

#include "ncf/model/neural.hpp"
#include "ncf/nn/gated_backward.hpp"
#include "ncf/nn/sum_relu.hpp"
#include "ncf/nn/unit.hpp"
#include "ncf/util/denormals.hpp"
#include "ncf/util/prefetch.hpp"

namespace ncf {
namespace {

constexpr int64_t ahead = 8;  // samples whose rows are asked for meanwhile

template <class T>
std::span<const T> of_pass(std::span<const T> all, int64_t first, int64_t count) {
  return all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

}  // namespace

void Neural::gather_input(const BatchView& batch, int64_t first, int64_t count, int64_t at, Matrix& input) {
  for (int64_t r = 0; r < count; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    if (r + ahead < count) {
      prefetch(batch.users.row(batch.user_slots[k + ahead]), batch.users.cols);
      prefetch(batch.items.row(batch.item_slots[k + ahead]), batch.items.cols);
    }
    float* x = input.row(at + r);
    std::copy_n(batch.users.row(batch.user_slots[k]), batch.users.cols, x);
    std::copy_n(batch.items.row(batch.item_slots[k]), batch.items.cols, x + batch.users.cols);
  }
}

MatrixView Neural::input_of(Workspace& work, std::size_t layer) const {
  if (layer == 0) return work.input.view();
  Activation& below = work.activations[layer - 1];
  return transforms(hidden_[layer - 1]) ? below.output.view() : below.relu.view();
}

void Neural::train_pass(const BatchView& batch, const Pass& pass, Workspace& work,
                        DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss,
                        const GlobalSum& sum) const {
  if (!projects_) {
    work.input.reshape_aligned(pass.rows, batch.users.cols + batch.items.cols);
    gather_input(batch, pass.first, pass.rows, 0, work.input);
    dropout(work.input.view(), embedding_dropout_, seed_, pass.stream, pass.first_position);
  }
  forward(batch, pass, work, parameters, sum);
  const auto ratings =
      batch.ratings.subspan(static_cast<std::size_t>(pass.first), static_cast<std::size_t>(pass.rows));
  loss.plain += squared_error(work.z, ratings, range_, batch.global_rows, loss.exact);
  backward(batch, pass, work, parameters, sums, sum);
}

/// A pass of several chunks is one that no other runs beside: its chunks may share the threads.
void Neural::for_chunks(const Pass& pass, const std::function<void(const Chunk&)>& job) const {
  if (pass.chunks.size() == 1) return job(pass.chunks[0]);
  pool_->run(std::ssize(pass.chunks), [&](int64_t k, int64_t) {
    const FlushDenormals flush;
    job(pass.chunks[static_cast<std::size_t>(k)]);
  });
}

void Neural::forward_linear(const BatchView& batch, const Pass& pass, Workspace& work, std::size_t layer,
                            const Chunk& c, DenseParameters& parameters) const {
  const MatrixView y = work.activations[layer].relu.view().rows_from(c.first, c.count);
  if (layer > 0 || !projects_) {
    linear_forward(input_of(work, layer).rows_from(c.first, c.count), weight_of(layer, parameters), y,
                   precision_, layer > 0 && !batch_norm_ ? Zeros::many : Zeros::few);
    const std::span<const float> bias = bias_of(hidden_[layer], parameters);
    if (layer + 1 < hidden_.size() || !unit_above_relu()) return add_bias_relu(bias, y);
    return relu_unit_forward(y, bias, parameters.value(out_weight_), parameters.value(out_bias_)[0],
                             std::span(work.z).subspan(static_cast<std::size_t>(c.first)));
  }
  const int64_t first = pass.first + c.first;
  sum_relu_forward(batch.users, batch.items, of_pass(batch.user_slots, first, c.count),
                   of_pass(batch.item_slots, first, c.count), y);
}

void Neural::forward(const BatchView& batch, const Pass& pass, Workspace& work, DenseParameters& parameters,
                     const GlobalSum& sum) const {
  work.z.resize(static_cast<std::size_t>(pass.rows));
  for (std::size_t l = 0; l < hidden_.size(); ++l) {
    const Hidden& h = hidden_[l];
    Activation& a = work.activations[l];
    a.relu.reshape_aligned(pass.rows, h.units);
    const auto forward_chunk = [&](const Chunk& c) { forward_linear(batch, pass, work, l, c, parameters); };
    pass.at_once ? forward_chunk({0, pass.rows, -1}) : for_chunks(pass, forward_chunk);
    if (!transforms(h)) continue;
    a.output.reshape_aligned(pass.rows, h.units);
    for (int64_t r = 0; r < pass.rows; ++r) std::copy_n(a.relu.row(r), h.units, a.output.row(r));
    if (batch_norm_ && pass.training)
      a.batch_norm.forward(a.output.view(), batch.bounds, parameters.value(h.bn_weight),
                           parameters.value(h.bn_bias), parameters.value(h.bn_mean),
                           parameters.value(h.bn_var), sum);
    else if (batch_norm_)
      BatchNorm::evaluate(a.output.view(), parameters.value(h.bn_weight), parameters.value(h.bn_bias),
                          parameters.value(h.bn_mean), parameters.value(h.bn_var));
    if (pass.training) dropout(a.output.view(), h.dropout, seed_, pass.stream + l + 1, pass.first_position);
  }
  if (!unit_above_relu())
    unit_forward(input_of(work, hidden_.size()), parameters.value(out_weight_),
                 parameters.value(out_bias_)[0], work.z);
}

void Neural::backward(const BatchView& batch, const Pass& pass, Workspace& work, DenseParameters& parameters,
                      std::span<RowSums, 2> sums, const GlobalSum& sum) const {
  std::size_t layers = hidden_.size();  // that are still to go through
  if (!pass.at_once && by_gates(pass.rows)) {
    backward_by_gates(work, pass.chunks[0].granule, parameters);
    --layers;
  } else {
    const MatrixView top = input_of(work, layers);
    work.gradient.reshape_aligned(top.rows, top.cols);
    for_chunks(pass, [&](const Chunk& c) { backward_unit(work, c, parameters, top, work.gradient.view()); });
  }
  MatrixView dy = work.gradient.view();
  for (std::size_t l = layers; l-- > 0;) {
    const Hidden& h = hidden_[l];
    dropout(dy, h.dropout, seed_, pass.stream + l + 1, pass.first_position);
    if (batch_norm_)
      work.activations[l].batch_norm.backward(dy, batch.bounds, parameters.value(h.bn_weight),
                                              parameters.gradient_rows(h.bn_weight),
                                              parameters.gradient_rows(h.bn_bias), sum);
    if (l == 0 && projects_) {
      return sum_relu_backward(work.activations[0].relu.view(), dy, sums[0].terms(pass.first, pass.rows),
                               sums[1].terms(pass.first, pass.rows), sums[0].values(), sums[1].values());
    }
    work.next_gradient.reshape_aligned(dy.rows, input_of(work, l).cols);
    const MatrixView dx = work.next_gradient.view();
    for_chunks(pass, [&](const Chunk& c) {
      backward_linear(work, l, c, parameters, dy, pass.at_once ? MatrixView() : dx);
    });
    if (pass.at_once) linear_backward_inputs(parameters.matrix(h.weight), dy, dx, precision_);
    std::swap(work.gradient, work.next_gradient);
    dy = dx;
  }
  dropout(dy, embedding_dropout_, seed_, pass.stream, pass.first_position);
  add_input_gradients(pass, dy, sums);
}

/// Whether the output unit and the ReLU of a linear layer below it are gone through together.
bool Neural::unit_above_relu() const {
  return !hidden_.empty() && !transforms(hidden_.back()) && !(hidden_.size() == 1 && projects_);
}

/// Whether the output unit and the last hidden layer are gone through together, in the one chunk that a pass
/// without batch normalisation has. Not above embeddings, for which it was not measured.
bool Neural::by_gates(int64_t rows) const {
  return hidden_.size() > 1 && unit_above_relu() && gates_pay(rows, precision_);
}

void Neural::backward_by_gates(Workspace& work, int64_t granule, DenseParameters& parameters) const {
  const Hidden& last = hidden_.back();
  const ConstMatrixView x = input_of(work, hidden_.size() - 1);
  work.gradient.reshape_aligned(x.rows, x.cols);
  for (const float dz : work.z) parameters.gradient(out_bias_, granule)[0] += dz;
  gated_backward({parameters.matrix(last.weight), parameters.value(out_weight_)}, x,
                 work.activations.back().relu.view(), work.z,
                 {parameters.gradient_matrix(last.weight, granule), parameters.gradient(last.bias, granule),
                  parameters.gradient(out_weight_, granule)},
                 work.gradient.view(), work.gates);
}

void Neural::backward_unit(Workspace& work, const Chunk& c, DenseParameters& parameters, MatrixView top,
                           MatrixView dy) const {
  const std::span<const float> weight = parameters.value(out_weight_),
                               dz = std::span(work.z).subspan(static_cast<std::size_t>(c.first),
                                                              static_cast<std::size_t>(c.count));
  const std::span<float> dweight = parameters.gradient(out_weight_, c.granule);
  float& dbias = parameters.gradient(out_bias_, c.granule)[0];
  const MatrixView y = top.rows_from(c.first, c.count), to = dy.rows_from(c.first, c.count);
  unit_above_relu() ? unit_relu_backward(y, weight, dz, dweight, dbias, to,
                                         parameters.gradient(hidden_.back().bias, c.granule))
                    : unit_backward(y, weight, dz, dweight, dbias, to);
}

void Neural::backward_linear(Workspace& work, std::size_t layer, const Chunk& c, DenseParameters& parameters,
                             MatrixView dy, MatrixView dx) const {
  const Hidden& h = hidden_[layer];
  dy = dy.rows_from(c.first, c.count);
  if (layer + 1 < hidden_.size() || !unit_above_relu())
    relu_backward(work.activations[layer].relu.view().rows_from(c.first, c.count), dy,
                  batch_norm_ ? std::span<float>() : parameters.gradient(h.bias, c.granule));
  linear_backward(input_of(work, layer).rows_from(c.first, c.count), parameters.matrix(h.weight), dy,
                  parameters.gradient_matrix(h.weight, c.granule), dx.rows_from(c.first, c.count),
                  precision_);
}

void Neural::add_input_gradients(const Pass& pass, MatrixView dx, std::span<RowSums, 2> sums) const {
  for (std::size_t t = 0; t < 2; ++t)
    scatter_add(dx.cols_from(t == 0 ? 0 : tables_[0].cols(), tables_[t].cols()),
                sums[t].terms(pass.first, pass.rows), sums[t].values());
}

}  // namespace ncf
