#pragma once
/// The generalized matrix factorization of He et al. 2017 as a part of a model: its output is a linear unit
/// on p_u ⊙ q_i, where p_u and q_i are the first columns of a user's and an item's row.

#include <cstdint>
#include <span>

#include "ncf/embed/row_sums.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/nn/parameters.hpp"

namespace ncf {

/// Columns that `width` of a tower take where what follows them is to begin on a cache line.
constexpr int64_t tower_room(int64_t width) {
  constexpr int64_t line = 16;  // floats
  return (width + line - 1) / line * line;
}

class ProductTower {
 public:
  /// Adds the unit's weight to the arena, /gmf/weight [1 × width], initialised as that of a Linear with
  /// `fan_in` inputs.
  ProductTower(int64_t width, int64_t fan_in, uint64_t seed, DenseParameters& parameters);

  int64_t width() const { return width_; }

  /// z[k] += the unit of sample first + k of the slice.
  void forward(const BatchView& batch, int64_t first, DenseParameters& parameters, std::span<float> z) const;
  /// From dz[k], the gradient of sample first + k, all of which are of `granule`: adds to that of the weight
  /// and to `sums`, in their first columns, of which the first `cols` are this tower's.
  void backward(const BatchView& batch, int64_t first, int64_t granule, int64_t cols,
                DenseParameters& parameters, std::span<const float> dz, std::span<RowSums, 2> sums) const;

 private:
  int64_t width_;
  std::size_t weight_;  // its segment
};

}  // namespace ncf
