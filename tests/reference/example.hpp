#pragma once
/// Small networks, values and batches for tests of the reference: pure functions of the arguments.

#include <cmath>

#include "reference/reference.hpp"

namespace ncf::reference {

inline constexpr std::size_t example_users = 7, example_items = 11;

/// `count` numbers between −scale and scale without a pattern that a gradient could hide in.
inline Vector spread(std::size_t count, double phase, double scale) {
  Vector values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = scale * std::sin(phase + 1.7 * static_cast<double>(i));
  return values;
}

/// Every parameter and running statistic of a network.
inline Values example_values(const Network& net) {
  Values p;
  double phase = 0;
  const auto add = [&](const std::string& name, std::size_t count) {
    p[name] = spread(count, phase += 0.9, 0.6);
  };
  if (net.user_width > 0) {
    add("/embedding/user/weight", example_users * net.user_width);
    add("/embedding/item/weight", example_items * net.item_width);
  }
  if (net.dot) {
    add("/embedding/user/bias", example_users);
    add("/embedding/item/bias", example_items);
    return p;
  }
  if (net.gmf_width > 0) {
    add("/gmf/user/weight", example_users * net.gmf_width);
    add("/gmf/item/weight", example_items * net.gmf_width);
    add("/gmf/weight", net.gmf_width);
    if (!net.has_layers()) add("/gmf/bias", 1);
  }
  if (!net.has_layers()) return p;
  std::size_t in = net.user_width + net.item_width;
  for (std::size_t l = 0; l < net.hidden.size(); ++l) {
    const std::size_t out = net.hidden[l];
    add(layer_path(l) + "/weight", out * in);
    if (net.batch_norm) {
      for (const char* name : {"/bn/weight", "/bn/bias", "/bn/running_mean"}) add(layer_path(l) + name, out);
      p[layer_path(l) + "/bn/running_var"].assign(out, 1.0);
    } else {
      add(layer_path(l) + "/bias", out);
    }
    in = out;
  }
  add(layer_path(net.hidden.size()) + "/weight", in);
  add(layer_path(net.hidden.size()) + "/bias", 1);
  return p;
}

/// `rows` samples of few enough users and items that rows meet several samples of a batch, or none.
inline Batch example_batch(std::size_t rows, std::size_t seed = 0) {
  Batch batch;
  for (std::size_t k = 0; k < rows; ++k) {
    batch.users.push_back((k * k + seed) % (example_users - 1));  // the last user has no sample
    batch.items.push_back((k * 3 + seed * 5) % example_items);
    batch.ratings.push_back(static_cast<double>(1 + (k * 7 + seed) % 5));
  }
  return batch;
}

/// Drops about a third of everything.
inline Masks example_masks(const Network& net, std::size_t rows) {
  std::size_t drawn = 0;
  const auto mask = [&](std::size_t width) {
    Rows values(rows, Vector(width));
    for (Vector& row : values)
      for (double& value : row) value = (++drawn * 29) % 31 < 10 ? 0 : 1.5;
    return values;
  };
  Masks masks{mask(net.user_width + net.item_width), {}};
  for (std::size_t width : net.hidden) masks.hidden.push_back(mask(width));
  return masks;
}

}  // namespace ncf::reference
