#pragma once
/// The models once more, for tests: plain loops in double precision, written from DESIGN's formulas and not
/// from the code under test. Parameters and gradients are maps from names in a checkpoint to values.
/// Nothing but the standard library; not fast.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reference/layers.hpp"

namespace ncf::reference {

using Values = std::map<std::string, Vector>;

struct Network {
  bool dot = false, batch_norm = false;
  std::size_t user_width = 0, item_width = 0;  // 0 and no hidden layer: a product of further rows alone
  std::vector<std::size_t> hidden;
  std::optional<std::pair<double, double>> range;
  std::size_t gmf_width = 0;  // of a product beside the layers, or alone

  bool has_layers() const { return !dot && user_width > 0; }
};

/// Samples of one batch. Any type with these three members serves as one.
struct Batch {
  std::vector<std::size_t> users, items;
  Vector ratings;
};

/// Dropout masks of one batch, each value 0 or 1/(1 − rate); an empty one drops nothing.
struct Masks {
  Rows embedding;            // [samples][user_width + item_width]
  std::vector<Rows> hidden;  // one a hidden layer, or none at all
};

struct Result {
  double loss = 0;     // mean over the batch
  Vector predictions;  // those of training: with batch statistics and dropout
  Values gradients;    // of every parameter that is trained
  Values running;      // running statistics after this batch
};

inline std::string layer_path(std::size_t layer) {
  return "/mlp/" + std::to_string(layer);
}

inline bool is_running_statistic(const std::string& name) {
  return name.find("/running_") != std::string::npos;
}

inline double predict_one(const Network& net, double z) {
  return net.range ? sigmoid_range(z, net.range->first, net.range->second) : z;
}

/// Mean squared error of z, into the result; returns its gradient.
template <class Samples>
Vector finish(const Network& net, const Samples& batch, const Vector& z, Result& result) {
  const double rows = static_cast<double>(z.size());
  Vector dz(z.size());
  for (std::size_t r = 0; r < z.size(); ++r) {
    const double y = predict_one(net, z[r]), error = y - static_cast<double>(batch.ratings[r]);
    const double slope = net.range ? sigmoid_range_slope(z[r], net.range->first, net.range->second) : 1;
    result.predictions.push_back(y);
    result.loss += error * error / rows;
    dz[r] = 2 * error * slope / rows;
  }
  return dz;
}

/// [E_u, E_i]: rows of two tables side by side.
template <class Samples>
Rows gather(const Network& net, const Values& p, const Samples& batch) {
  const Vector &users = p.at("/embedding/user/weight"), &items = p.at("/embedding/item/weight");
  Rows x(batch.users.size());
  for (std::size_t r = 0; r < x.size(); ++r) {
    const auto u = static_cast<std::size_t>(batch.users[r]), i = static_cast<std::size_t>(batch.items[r]);
    for (std::size_t c = 0; c < net.user_width; ++c) x[r].push_back(users[u * net.user_width + c]);
    for (std::size_t c = 0; c < net.item_width; ++c) x[r].push_back(items[i * net.item_width + c]);
  }
  return x;
}

/// The adjoint of gather: adds each sample's gradient to those of its rows.
template <class Samples>
void scatter_add(const Network& net, const Rows& dx, const Samples& batch, Values& gradients) {
  Vector &users = gradients.at("/embedding/user/weight"), &items = gradients.at("/embedding/item/weight");
  for (std::size_t r = 0; r < dx.size(); ++r) {
    const auto u = static_cast<std::size_t>(batch.users[r]), i = static_cast<std::size_t>(batch.items[r]);
    for (std::size_t c = 0; c < net.user_width; ++c) users[u * net.user_width + c] += dx[r][c];
    for (std::size_t c = 0; c < net.item_width; ++c)
      items[i * net.item_width + c] += dx[r][net.user_width + c];
  }
}

/// z = ⟨p_u, q_i⟩ + b_u + b_i.
template <class Samples>
Vector dot_forward(const Network& net, const Values& p, const Samples& batch) {
  const Vector &user_bias = p.at("/embedding/user/bias"), &item_bias = p.at("/embedding/item/bias");
  const Rows x = gather(net, p, batch);
  Vector z(x.size());
  for (std::size_t r = 0; r < x.size(); ++r) {
    z[r] = user_bias[static_cast<std::size_t>(batch.users[r])] +
           item_bias[static_cast<std::size_t>(batch.items[r])];
    for (std::size_t c = 0; c < net.user_width; ++c) z[r] += x[r][c] * x[r][net.user_width + c];
  }
  return z;
}

template <class Samples>
void dot_backward(const Network& net, const Values& p, const Samples& batch, const Vector& dz,
                  Values& gradients) {
  const Rows x = gather(net, p, batch);
  Rows dx = x;
  for (std::size_t r = 0; r < x.size(); ++r) {
    for (std::size_t c = 0; c < net.user_width; ++c) {
      dx[r][c] = dz[r] * x[r][net.user_width + c];
      dx[r][net.user_width + c] = dz[r] * x[r][c];
    }
    gradients.at("/embedding/user/bias")[static_cast<std::size_t>(batch.users[r])] += dz[r];
    gradients.at("/embedding/item/bias")[static_cast<std::size_t>(batch.items[r])] += dz[r];
  }
  scatter_add(net, dx, batch, gradients);
}

/// z[r] += Σ_c w[c]·p[c]·q[c], of the rows of /gmf/user and /gmf/item. Alone, it brings the bias.
template <class Samples>
void gmf_forward(const Network& net, const Values& p, const Samples& batch, Vector& z) {
  const Vector &users = p.at("/gmf/user/weight"), &items = p.at("/gmf/item/weight"),
               &weight = p.at("/gmf/weight");
  for (std::size_t r = 0; r < z.size(); ++r) {
    if (!net.has_layers()) z[r] += p.at("/gmf/bias")[0];
    for (std::size_t c = 0; c < net.gmf_width; ++c)
      z[r] += weight[c] * users[static_cast<std::size_t>(batch.users[r]) * net.gmf_width + c] *
              items[static_cast<std::size_t>(batch.items[r]) * net.gmf_width + c];
  }
}

template <class Samples>
void gmf_backward(const Network& net, const Values& p, const Samples& batch, const Vector& dz, Values& g) {
  const Vector &users = p.at("/gmf/user/weight"), &items = p.at("/gmf/item/weight"),
               &weight = p.at("/gmf/weight");
  for (std::size_t r = 0; r < dz.size(); ++r) {
    if (!net.has_layers()) g.at("/gmf/bias")[0] += dz[r];
    for (std::size_t c = 0; c < net.gmf_width; ++c) {
      const std::size_t u = static_cast<std::size_t>(batch.users[r]) * net.gmf_width + c,
                        i = static_cast<std::size_t>(batch.items[r]) * net.gmf_width + c;
      g.at("/gmf/weight")[c] += dz[r] * users[u] * items[i];
      g.at("/gmf/user/weight")[u] += dz[r] * weight[c] * items[i];
      g.at("/gmf/item/weight")[i] += dz[r] * weight[c] * users[u];
    }
  }
}

/// What the layers of `neural` leave for their way back.
struct Tape {
  std::vector<Rows> inputs;           // of each layer, the output layer's last
  std::vector<Rows> pre_activations;  // of each hidden layer
  std::vector<BatchNorm> norms;       // of each hidden layer, with batch norm
};

/// z. Hidden layers are Linear (without bias when BatchNorm follows), ReLU, BatchNorm, dropout, in fastai's
/// order.
template <class Samples>
Vector neural_forward(const Network& net, const Values& p, const Samples& batch, const Masks& masks,
                      bool training, Tape& tape) {
  tape.inputs.push_back(masked(gather(net, p, batch), masks.embedding));
  for (std::size_t l = 0; l < net.hidden.size(); ++l) {
    const std::string path = layer_path(l);
    const Vector* bias = net.batch_norm ? nullptr : &p.at(path + "/bias");
    tape.pre_activations.push_back(linear(tape.inputs[l], p.at(path + "/weight"), bias, net.hidden[l]));
    Rows y = relu(tape.pre_activations[l]);
    if (net.batch_norm) {
      const Vector &w = p.at(path + "/bn/weight"), &b = p.at(path + "/bn/bias");
      y = training
              ? tape.norms.emplace_back().forward(y, w, b)
              : BatchNorm::evaluate(y, w, b, p.at(path + "/bn/running_mean"), p.at(path + "/bn/running_var"));
    }
    tape.inputs.push_back(masks.hidden.empty() ? y : masked(y, masks.hidden.at(l)));
  }
  const std::string top = layer_path(net.hidden.size());
  Vector z;
  for (const Vector& row : linear(tape.inputs.back(), p.at(top + "/weight"), &p.at(top + "/bias"), 1))
    z.push_back(row[0]);
  return z;
}

template <class Samples>
void neural_backward(const Network& net, const Values& p, const Samples& batch, const Masks& masks,
                     const Tape& tape, const Vector& dz, Values& g) {
  Rows dy;
  for (double value : dz) dy.push_back({value});
  const std::string top = layer_path(net.hidden.size());
  dy = linear_backward(tape.inputs.back(), p.at(top + "/weight"), dy, g.at(top + "/weight"),
                       &g.at(top + "/bias"));
  for (std::size_t l = net.hidden.size(); l-- > 0;) {
    const std::string path = layer_path(l);
    if (!masks.hidden.empty()) dy = masked(dy, masks.hidden[l]);
    if (net.batch_norm)
      dy = tape.norms[l].backward(dy, p.at(path + "/bn/weight"), g.at(path + "/bn/weight"),
                                  g.at(path + "/bn/bias"));
    dy = relu_backward(tape.pre_activations[l], dy);
    dy = linear_backward(tape.inputs[l], p.at(path + "/weight"), dy, g.at(path + "/weight"),
                         net.batch_norm ? nullptr : &g.at(path + "/bias"));
  }
  scatter_add(net, masked(dy, masks.embedding), batch, g);
}

/// Loss, predictions, gradients and running statistics of one batch in training mode. Masks: of layers only.
template <class Samples>
Result evaluate(const Network& net, const Values& p, const Samples& batch, const Masks& masks = {}) {
  Result result;
  for (const auto& [name, values] : p)
    if (is_running_statistic(name))
      result.running[name] = values;
    else
      result.gradients[name].assign(values.size(), 0.0);
  if (net.dot) {
    const Vector dz = finish(net, batch, dot_forward(net, p, batch), result);
    dot_backward(net, p, batch, dz, result.gradients);
    return result;
  }
  Tape tape;
  Vector z(batch.users.size());
  if (net.has_layers()) z = neural_forward(net, p, batch, masks, true, tape);
  if (net.gmf_width > 0) gmf_forward(net, p, batch, z);
  const Vector dz = finish(net, batch, z, result);
  if (net.has_layers()) neural_backward(net, p, batch, masks, tape, dz, result.gradients);
  if (net.gmf_width > 0) gmf_backward(net, p, batch, dz, result.gradients);
  for (std::size_t l = 0; l < tape.norms.size(); ++l)
    tape.norms[l].move_running(result.running.at(layer_path(l) + "/bn/running_mean"),
                               result.running.at(layer_path(l) + "/bn/running_var"));
  return result;
}

/// Predictions in evaluation mode: running statistics, no dropout. Needs no ratings.
template <class Samples>
Vector predict(const Network& net, const Values& p, const Samples& batch) {
  Tape tape;
  Vector y(batch.users.size());
  if (net.dot) y = dot_forward(net, p, batch);
  if (net.has_layers()) y = neural_forward(net, p, batch, {}, false, tape);
  if (net.gmf_width > 0) gmf_forward(net, p, batch, y);
  for (double& value : y) value = predict_one(net, value);
  return y;
}

}  // namespace ncf::reference
