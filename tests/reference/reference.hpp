#pragma once
/// The models once more, for tests: plain loops in double precision, written from DESIGN's formulas and not
/// from the code under test. Parameters and gradients are maps from names in a checkpoint to values. Not
/// fast, no dropout.

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ncf::reference {

using Values = std::map<std::string, std::vector<double>>;
using Rows = std::vector<std::vector<double>>;  // [samples][units]

struct Network {
  bool dot = false, batch_norm = false;
  std::size_t user_width = 0, item_width = 0;
  std::vector<std::size_t> hidden;
  std::optional<std::pair<double, double>> range;
};

struct Result {
  double loss = 0;
  std::vector<double> predictions;
  Values gradients;  // of every parameter that is trained
};

inline std::string layer_path(std::size_t layer) {
  return "/mlp/" + std::to_string(layer);
}

/// y = x·Wᵀ + b; `bias` null: none.
inline Rows linear(const Rows& x, const std::vector<double>& weight, const std::vector<double>* bias,
                   std::size_t out) {
  Rows y(x.size(), std::vector<double>(out));
  for (std::size_t r = 0; r < x.size(); ++r)
    for (std::size_t o = 0; o < out; ++o) {
      double sum = bias != nullptr ? (*bias)[o] : 0;
      for (std::size_t i = 0; i < x[r].size(); ++i) sum += x[r][i] * weight[o * x[r].size() + i];
      y[r][o] = sum;
    }
  return y;
}

/// Adds the gradients of weight and bias (null: none); returns that of x.
inline Rows linear_backward(const Rows& x, const std::vector<double>& weight, const Rows& dy,
                            std::vector<double>& dweight, std::vector<double>* dbias) {
  Rows dx(x.size(), std::vector<double>(x[0].size()));
  for (std::size_t r = 0; r < x.size(); ++r)
    for (std::size_t o = 0; o < dy[r].size(); ++o) {
      if (dbias != nullptr) (*dbias)[o] += dy[r][o];
      for (std::size_t i = 0; i < x[r].size(); ++i) {
        dweight[o * x[r].size() + i] += dy[r][o] * x[r][i];
        dx[r][i] += dy[r][o] * weight[o * x[r].size() + i];
      }
    }
  return dx;
}

/// Batch statistics of one layer, as backward needs them.
struct Normalised {
  Rows xhat, y;
  std::vector<double> deviation;
};

inline Normalised batch_norm(const Rows& x, const std::vector<double>& weight,
                             const std::vector<double>& bias) {
  Normalised n{x, x, std::vector<double>(weight.size())};
  const double rows = static_cast<double>(x.size());
  for (std::size_t c = 0; c < weight.size(); ++c) {
    double mean = 0, variance = 0;
    for (const auto& row : x) mean += row[c] / rows;
    for (const auto& row : x) variance += (row[c] - mean) * (row[c] - mean) / rows;
    n.deviation[c] = std::sqrt(variance + 1e-5);
    for (std::size_t r = 0; r < x.size(); ++r) {
      n.xhat[r][c] = (x[r][c] - mean) / n.deviation[c];
      n.y[r][c] = n.xhat[r][c] * weight[c] + bias[c];
    }
  }
  return n;
}

/// dx = w/σ · (dy − mean(dy) − x̂·mean(dy·x̂)).
inline Rows batch_norm_backward(const Normalised& n, const std::vector<double>& weight, const Rows& dy,
                                std::vector<double>& dweight, std::vector<double>& dbias) {
  Rows dx = dy;
  const double rows = static_cast<double>(dy.size());
  for (std::size_t c = 0; c < weight.size(); ++c) {
    for (std::size_t r = 0; r < dy.size(); ++r) {
      dbias[c] += dy[r][c];
      dweight[c] += dy[r][c] * n.xhat[r][c];
    }
    for (std::size_t r = 0; r < dy.size(); ++r)
      dx[r][c] = weight[c] / n.deviation[c] * (dy[r][c] - dbias[c] / rows - n.xhat[r][c] * dweight[c] / rows);
  }
  return dx;
}

/// Mean squared error of z; dz becomes its gradient.
inline void finish(const Network& net, const std::vector<float>& ratings, const std::vector<double>& z,
                   std::vector<double>& dz, Result& result) {
  const double rows = static_cast<double>(z.size());
  dz.resize(z.size());
  for (std::size_t r = 0; r < z.size(); ++r) {
    double y = z[r], slope = 1;
    if (net.range) {
      const double s = 1 / (1 + std::exp(-z[r])), width = net.range->second - net.range->first;
      y = net.range->first + width * s;
      slope = width * s * (1 - s);
    }
    const double error = y - static_cast<double>(ratings[r]);
    result.predictions.push_back(y);
    result.loss += error * error / rows;
    dz[r] = 2 * error * slope / rows;
  }
}

/// Loss, predictions and gradients of one batch, all in training mode.
template <class Samples>
Result evaluate(const Network& net, const Values& p, const Samples& batch) {
  Result result;
  for (const auto& [name, values] : p)
    if (name.find("/running_") == std::string::npos) result.gradients[name].assign(values.size(), 0.0);
  Values& g = result.gradients;
  const auto& users = p.at("/embedding/user/weight");
  const auto& items = p.at("/embedding/item/weight");
  auto& dusers = g.at("/embedding/user/weight");
  auto& ditems = g.at("/embedding/item/weight");
  const std::size_t rows = batch.users.size();
  const auto user_at = [&](std::size_t r, std::size_t c) {
    return static_cast<std::size_t>(batch.users[r]) * net.user_width + c;
  };
  const auto item_at = [&](std::size_t r, std::size_t c) {
    return static_cast<std::size_t>(batch.items[r]) * net.item_width + c;
  };
  std::vector<double> z(rows), dz;

  if (net.dot) {
    const auto &bu = p.at("/embedding/user/bias"), &bi = p.at("/embedding/item/bias");
    for (std::size_t r = 0; r < rows; ++r) {
      z[r] = bu[static_cast<std::size_t>(batch.users[r])] + bi[static_cast<std::size_t>(batch.items[r])];
      for (std::size_t c = 0; c < net.user_width; ++c) z[r] += users[user_at(r, c)] * items[item_at(r, c)];
    }
    finish(net, batch.ratings, z, dz, result);
    for (std::size_t r = 0; r < rows; ++r) {
      g["/embedding/user/bias"][static_cast<std::size_t>(batch.users[r])] += dz[r];
      g["/embedding/item/bias"][static_cast<std::size_t>(batch.items[r])] += dz[r];
      for (std::size_t c = 0; c < net.user_width; ++c) {
        dusers[user_at(r, c)] += dz[r] * items[item_at(r, c)];
        ditems[item_at(r, c)] += dz[r] * users[user_at(r, c)];
      }
    }
    return result;
  }

  std::vector<Rows> inputs(1, Rows(rows)), pre_activations;  // inputs[l] goes into layer l
  std::vector<Normalised> norms;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < net.user_width; ++c) inputs[0][r].push_back(users[user_at(r, c)]);
    for (std::size_t c = 0; c < net.item_width; ++c) inputs[0][r].push_back(items[item_at(r, c)]);
  }
  for (std::size_t l = 0; l < net.hidden.size(); ++l) {
    const std::string path = layer_path(l);
    const auto* bias = net.batch_norm ? nullptr : &p.at(path + "/bias");
    pre_activations.push_back(linear(inputs[l], p.at(path + "/weight"), bias, net.hidden[l]));
    Rows y = pre_activations.back();
    for (auto& row : y)
      for (double& value : row) value = value > 0 ? value : 0;
    if (net.batch_norm) {
      norms.push_back(batch_norm(y, p.at(path + "/bn/weight"), p.at(path + "/bn/bias")));
      y = norms.back().y;
    }
    inputs.push_back(std::move(y));
  }
  const std::string top = layer_path(net.hidden.size());
  const Rows out = linear(inputs.back(), p.at(top + "/weight"), &p.at(top + "/bias"), 1);
  for (std::size_t r = 0; r < rows; ++r) z[r] = out[r][0];
  finish(net, batch.ratings, z, dz, result);

  Rows dy(rows);
  for (std::size_t r = 0; r < rows; ++r) dy[r] = {dz[r]};
  dy = linear_backward(inputs.back(), p.at(top + "/weight"), dy, g[top + "/weight"], &g[top + "/bias"]);
  for (std::size_t l = net.hidden.size(); l-- > 0;) {
    const std::string path = layer_path(l);
    if (net.batch_norm)
      dy = batch_norm_backward(norms[l], p.at(path + "/bn/weight"), dy, g[path + "/bn/weight"],
                               g[path + "/bn/bias"]);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < dy[r].size(); ++c)
        if (pre_activations[l][r][c] <= 0) dy[r][c] = 0;
    dy = linear_backward(inputs[l], p.at(path + "/weight"), dy, g[path + "/weight"],
                         net.batch_norm ? nullptr : &g[path + "/bias"]);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < net.user_width; ++c) dusers[user_at(r, c)] += dy[r][c];
    for (std::size_t c = 0; c < net.item_width; ++c) ditems[item_at(r, c)] += dy[r][net.user_width + c];
  }
  return result;
}

}  // namespace ncf::reference
