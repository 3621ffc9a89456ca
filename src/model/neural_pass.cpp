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

void Neural::gather_input(const BatchView& batch, int64_t first, int64_t count, int64_t at,
                          Matrix& input) const {
  const ConstMatrixView users = of_layers(0, batch.users), items = of_layers(1, batch.items);
  for (int64_t r = 0; r < count; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    if (r + ahead < count) {
      prefetch(users.row(batch.user_slots[k + ahead]), users.cols);
      prefetch(items.row(batch.item_slots[k + ahead]), items.cols);
    }
    float* x = input.row(at + r);
    std::copy_n(users.row(batch.user_slots[k]), users.cols, x);
    std::copy_n(items.row(batch.item_slots[k]), items.cols, x + users.cols);
  }
}

MatrixView Neural::input_of(Workspace& work, std::size_t layer) const {
  if (layer == 0) return work.input.view();
  Activation& below = work.activations[layer - 1];
  if (below.leaves_out) return below.relu.view().cols_from(0, below.on.count());
  return transforms(hidden_[layer - 1]) ? below.output.view() : below.relu.view();
}

/// The inputs of a layer that are not left out; null: all.
const UnitsOn* Neural::inputs_on(const Workspace& work, std::size_t layer) {
  return layer == 0 ? nullptr : work.activations[layer - 1].part();
}

/// Units that are off for all samples of a pass are left out from here on, if they are many. Which they are
/// depends on the samples, so all of a pass must be of one granule; and it is done where the pass goes back
/// by gates, which is never with others at once.
void Neural::leave_out_units(const Pass& pass, std::size_t layer, Activation& a) const {
  // Where products of this layer and of the one above get smaller. Tables alone, above a layer that is
  // projected, gain what moving columns costs.
  constexpr double most = 7. / 8;
  const bool in_products = !(layer == 0 && projects_) || layer + 2 < hidden_.size();
  a.leaves_out = in_products && pass.training && !pass.at_once && layer + 1 < hidden_.size() &&
                 !transforms(hidden_[layer]) && by_gates(pass.rows) && leaving_out_pays(pass.rows) &&
                 a.on.find(a.relu.view(), most);
  a.zeros = config_.batch_norm ? Zeros::few : Zeros::many;
  if (a.leaves_out) a.zeros = a.on.move_together(a.relu.view());
}

/// A layer's weight for going forward with the inputs that are not left out.
ForwardWeight Neural::part_of_weight(Workspace& work, std::size_t layer, DenseParameters& parameters) const {
  const ForwardWeight whole = weight_of(layer, parameters);
  const UnitsOn* const inputs = inputs_on(work, layer);
  if (inputs == nullptr) return whole;
  take_part(whole.matrix, whole.transposed ? inputs : nullptr, whole.transposed ? nullptr : inputs,
            work.weight);
  return {work.weight.view(), whole.transposed};
}

/// Calls job(weight, gradient to add to) for a layer's weight, or for the part that belongs to the units that
/// are not left out.
template <class Job>
void Neural::with_weight(Workspace& work, const UnitsOn* units, const UnitsOn* inputs, ConstMatrixView weight,
                         MatrixView gradient, const Job& job) {
  if (units == nullptr && inputs == nullptr) return job(weight, gradient);
  take_part(weight, units, inputs, work.weight);
  work.weight_gradient.reshape_aligned(work.weight.rows(), work.weight.cols());
  work.weight_gradient.fill(0);
  job(work.weight.view(), work.weight_gradient.view());
  add_part(work.weight_gradient.view(), units, inputs, gradient);
}

void Neural::train_pass(const BatchView& batch, const Pass& pass, Workspace& work,
                        DenseParameters& parameters, std::span<RowSums, 2> sums, LossSum& loss,
                        const GlobalSum& sum) const {
  if (!projects_) {
    work.input.reshape_aligned(pass.rows, input_cols());
    gather_input(batch, pass.first, pass.rows, 0, work.input);
    dropout(work.input.view(), config_.embedding_dropout, seed_, pass.stream, pass.first_position);
  }
  forward(batch, pass, work, parameters, sum);
  if (tower_) tower_->forward(batch, pass.first, parameters, work.z);
  const auto ratings =
      batch.ratings.subspan(static_cast<std::size_t>(pass.first), static_cast<std::size_t>(pass.rows));
  loss.plain += squared_error(work.z, ratings, range_, batch.global_rows, loss.exact);
  if (tower_)
    for_chunks(pass, [&](const Chunk& c) {
      tower_->backward(batch, pass.first + c.first, c.granule, tower_cols(), parameters,
                       of_pass(std::span<const float>(work.z), c.first, c.count), sums);
    });
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
    linear_forward(input_of(work, layer).rows_from(c.first, c.count), part_of_weight(work, layer, parameters),
                   y, precision_, layer > 0 ? work.activations[layer - 1].zeros : Zeros::few);
    const std::span<const float> bias = bias_of(hidden_[layer], parameters);
    if (layer + 1 < hidden_.size() || !unit_above_relu()) return add_bias_relu(bias, y);
    return relu_unit_forward(y, bias, parameters.value(out_weight_), parameters.value(out_bias_)[0],
                             std::span(work.z).subspan(static_cast<std::size_t>(c.first)));
  }
  const int64_t first = pass.first + c.first;
  sum_relu_forward(of_layers(0, batch.users), of_layers(1, batch.items),
                   of_pass(batch.user_slots, first, c.count), of_pass(batch.item_slots, first, c.count), y);
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
    leave_out_units(pass, l, a);
    if (!transforms(h)) continue;
    a.output.reshape_aligned(pass.rows, h.units);
    for (int64_t r = 0; r < pass.rows; ++r) std::copy_n(a.relu.row(r), h.units, a.output.row(r));
    if (config_.batch_norm && pass.training)
      a.batch_norm.forward(a.output.view(), batch.bounds, parameters.value(h.bn_weight),
                           parameters.value(h.bn_bias), parameters.value(h.bn_mean),
                           parameters.value(h.bn_var), sum);
    else if (config_.batch_norm)
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
  MatrixView dy;
  if (!pass.at_once && by_gates(pass.rows)) {
    dy = backward_by_gates(work, pass.chunks[0].granule, parameters);
    --layers;
  } else {
    const MatrixView top = input_of(work, layers);
    work.gradient.reshape_aligned(top.rows, top.cols);
    dy = work.gradient.view();
    for_chunks(pass, [&](const Chunk& c) { backward_unit(work, c, parameters, top, dy); });
  }
  for (std::size_t l = layers; l-- > 0;) {
    const Hidden& h = hidden_[l];
    dropout(dy, h.dropout, seed_, pass.stream + l + 1, pass.first_position);
    if (config_.batch_norm)
      work.activations[l].batch_norm.backward(dy, batch.bounds, parameters.value(h.bn_weight),
                                              parameters.gradient_rows(h.bn_weight),
                                              parameters.gradient_rows(h.bn_bias), sum);
    if (l == 0 && projects_) return backward_sum(pass, work, dy, sums);
    const MatrixView dx = gradient_of_input(work, l, work.next_gradient);
    for_chunks(pass, [&](const Chunk& c) {
      backward_linear(work, l, c, parameters, dy, pass.at_once ? MatrixView() : dx);
    });
    if (pass.at_once) linear_backward_inputs(parameters.matrix(h.weight), dy, dx, precision_);
    std::swap(work.gradient, work.next_gradient);
    dy = dx;
  }
  dropout(dy, config_.embedding_dropout, seed_, pass.stream, pass.first_position);
  add_input_gradients(pass, dy, sums);
}

/// Room in `gradient` for that of a layer's inputs, those that are left out included: dx is the first
/// columns.
MatrixView Neural::gradient_of_input(Workspace& work, std::size_t layer, Matrix& gradient) const {
  const MatrixView x = input_of(work, layer);
  gradient.reshape_aligned(x.rows, layer == 0 ? x.cols : hidden_[layer - 1].units);
  return gradient.view().cols_from(0, x.cols);
}

/// The way back through the first layer where it is projected.
void Neural::backward_sum(const Pass& pass, Workspace& work, MatrixView dy,
                          std::span<RowSums, 2> sums) const {
  const Activation& a = work.activations[0];
  ConstMatrixView y = work.activations[0].relu.view();
  if (a.leaves_out) {
    dy.cols = a.relu.cols();
    a.on.relu_backward(y, dy);
    y = ConstMatrixView();
  }
  sum_relu_backward(y, dy, sums[0].terms(pass.first, pass.rows), sums[1].terms(pass.first, pass.rows),
                    of_layers(0, sums[0].values()), of_layers(1, sums[1].values()));
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

MatrixView Neural::backward_by_gates(Workspace& work, int64_t granule, DenseParameters& parameters) const {
  const Hidden& last = hidden_.back();
  const std::size_t layer = hidden_.size() - 1;
  const ConstMatrixView x = input_of(work, layer);
  const MatrixView dx = gradient_of_input(work, layer, work.gradient);
  for (const float dz : work.z) parameters.gradient(out_bias_, granule)[0] += dz;
  with_weight(
      work, nullptr, inputs_on(work, layer), parameters.matrix(last.weight),
      parameters.gradient_matrix(last.weight, granule), [&](auto weight, auto gradient) {
        gated_backward(
            {weight, parameters.value(out_weight_)}, x, work.activations.back().relu.view(), work.z,
            {gradient, parameters.gradient(last.bias, granule), parameters.gradient(out_weight_, granule)},
            dx, work.gates);
      });
  return dx;
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
  const Activation& a = work.activations[layer];
  if (a.leaves_out) {
    work.bias_gradient.reshape_aligned(1, dy.cols);
    work.bias_gradient.fill(0);
    relu_backward(input_of(work, layer + 1), dy,
                  {work.bias_gradient.row(0), static_cast<std::size_t>(dy.cols)});
    add_part(work.bias_gradient.view(), nullptr, &a.on,
             {parameters.gradient(h.bias, c.granule).data(), 1, h.units});
  } else if (layer + 1 < hidden_.size() || !unit_above_relu()) {
    relu_backward(work.activations[layer].relu.view().rows_from(c.first, c.count), dy,
                  config_.batch_norm ? std::span<float>() : parameters.gradient(h.bias, c.granule));
  }
  with_weight(work, a.part(), inputs_on(work, layer), parameters.matrix(h.weight),
              parameters.gradient_matrix(h.weight, c.granule), [&](auto weight, auto gradient) {
                linear_backward(input_of(work, layer).rows_from(c.first, c.count), weight, dy, gradient,
                                dx.rows_from(c.first, c.count), precision_,
                                a.leaves_out ? a.zeros : Zeros::many);
              });
}

void Neural::add_input_gradients(const Pass& pass, MatrixView dx, std::span<RowSums, 2> sums) const {
  for (std::size_t t = 0; t < 2; ++t)
    scatter_add(dx.cols_from(t == 0 ? 0 : tables_[0].width, tables_[t].width),
                sums[t].terms(pass.first, pass.rows), of_layers(t, sums[t].values()));
}

}  // namespace ncf
