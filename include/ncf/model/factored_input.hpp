#pragma once
/// The first layer of a multilayer perceptron on [E_u, E_i], factored: [E_u, E_i]·Wᵀ = E_u·W_uᵀ + E_i·W_iᵀ.
/// The products are taken once a unique row instead of once a sample; a sample then adds two rows. Backward
/// likewise: gradients are first added up by row, then multiplied.
///
/// Works a granule at a time, on the granule's own unique rows in the order of their first sample, so that
/// every product has the same rows whichever rank computes it. Granules in which hardly a row is used twice
/// are left to the plain layer: covers() tells.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ncf/embed/row_gradients.hpp"
#include "ncf/model/batch.hpp"
#include "ncf/nn/layers.hpp"

namespace ncf {

class FactoredInput {
 public:
  /// Nothing is covered until the next plan().
  void clear() { covered_.clear(); }
  /// Finds the unique rows of each granule and decides for each by the number of multiplications. `units`:
  /// outputs of the layer.
  void plan(const BatchView& batch, int64_t units);
  bool covers(int64_t granule) const {
    return granule >= 0 && granule < std::ssize(covered_) && covered_[static_cast<std::size_t>(granule)];
  }

  /// The products of a covered granule's rows with weight [units × (user cols + item cols)]; bias [units] or
  /// empty.
  void project(const BatchView& batch, int64_t granule, ForwardWeight weight, std::span<const float> bias);
  /// y[r] = relu of sample first + r, for samples of a projected granule. y [count × units].
  void forward(int64_t first, MatrixView y) const;
  /// dy: gradients after the ReLU that made y, of samples first, first + 1, …
  void backward(int64_t first, ConstMatrixView y, ConstMatrixView dy);
  /// After all samples of the granule: adds to dweight, and to dbias if there is one, and makes the gradients
  /// of the rows.
  void finish(int64_t granule, ConstMatrixView weight, MatrixView dweight, std::span<float> dbias);
  /// Lists the gradients of the rows of a finished granule of table `side` (0 user, 1 item).
  void list(std::size_t side, int64_t granule, RowGradients& out) const;

 private:
  /// One table's part. All granules lie one after the other.
  struct Side {
    std::vector<int32_t> slots;           // [terms] of the batch's unique rows
    std::vector<int64_t> bounds;          // [granules + 1]
    std::vector<int32_t> of_sample;       // [samples]: term
    Matrix rows;                          // [terms × cols]
    Matrix projected, gradient;           // [terms × units]
    Matrix row_gradient;                  // [terms × cols]
    std::vector<int32_t> seen, seen_for;  // [unique]: term of a slot, and the granule it was given in

    int64_t first(int64_t granule) const { return bounds[static_cast<std::size_t>(granule)]; }
    int64_t count(int64_t granule) const {
      return bounds[static_cast<std::size_t>(granule) + 1] - first(granule);
    }
  };

  static void find_unique(std::span<const int32_t> slots, int64_t unique, std::span<const int64_t> bounds,
                          Side& side);

  std::array<Side, 2> sides_;  // user, item
  std::vector<bool> covered_;  // [granules]
};

}  // namespace ncf
