#include "ncf/model/product_tower.hpp"

#include "ncf/model/dense_init.hpp"
#include "ncf/nn/product_unit.hpp"

namespace ncf {

ProductTower::ProductTower(int64_t width, int64_t fan_in, uint64_t seed, DenseParameters& parameters)
    : width_(width), weight_(parameters.add("/gmf/weight", {1, width}, true)) {
  init_uniform(parameters, weight_, fan_in, seed);
}

void ProductTower::forward(const BatchView& batch, int64_t first, DenseParameters& parameters,
                           std::span<float> z) const {
  const auto from = static_cast<std::size_t>(first);
  product_unit_forward(batch.users, batch.items, batch.user_slots.subspan(from, z.size()),
                       batch.item_slots.subspan(from, z.size()), parameters.value(weight_), z);
}

void ProductTower::backward(const BatchView& batch, int64_t first, int64_t granule, int64_t cols,
                            DenseParameters& parameters, std::span<const float> dz,
                            std::span<RowSums, 2> sums) const {
  const auto from = static_cast<std::size_t>(first);
  const auto count = static_cast<int64_t>(dz.size());
  product_unit_backward(batch.users, batch.items, batch.user_slots.subspan(from, dz.size()),
                        batch.item_slots.subspan(from, dz.size()), parameters.value(weight_), dz,
                        parameters.gradient(weight_, granule), sums[0].terms(first, count),
                        sums[1].terms(first, count), sums[0].values().cols_from(0, cols),
                        sums[1].values().cols_from(0, cols));
}

}  // namespace ncf
