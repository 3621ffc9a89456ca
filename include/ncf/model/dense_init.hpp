#pragma once
/// PyTorch's default initialisation of a Linear: U(±1/√fan_in), weights and biases.

#include <cmath>

#include "ncf/nn/parameters.hpp"
#include "ncf/util/random.hpp"

namespace ncf {

/// A pure function of (seed, segment, element).
inline void init_uniform(DenseParameters& parameters, std::size_t segment, int64_t fan_in, uint64_t seed) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  auto values = parameters.value(segment);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(bound * (2 * random_uniform(seed, Purpose::dense_init, segment, i) - 1));
}

}  // namespace ncf
