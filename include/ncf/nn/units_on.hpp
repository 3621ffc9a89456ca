#pragma once
/// The units of a hidden layer that are on for some of the samples computed together. The others, off for all
/// of them, give nothing to the layer above and get no gradient: they can be left out on both ways, and what
/// is left of activations and weights stands side by side in smaller matrices. Rows of activations and their
/// gradients begin on cache lines (Matrix::reshape_aligned); those of weights may stand anywhere.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/nn/gemm.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

/// Whether it can pay to look for such units with so many samples at once. A function of the number and the
/// processor.
bool leaving_out_pays(int64_t samples);

class UnitsOn {
 public:
  /// Eight units that stand side by side; of those that are on the first is the `first`-th of all.
  struct Group {
    int32_t together[8] = {};  // lane k is to come from this lane, where they move together
    int32_t apart[8] = {};     // the same where they move back
    int32_t on[8] = {};        // all bits of a lane set, or none
    int32_t first = 0;
  };

  /// Looks at y [samples × units], after the ReLU; a NaN is on. Returns whether those that are on are at most
  /// this share of all, and at least one. If not, nothing below may be called.
  bool find(ConstMatrixView y, double most);
  int64_t count() const { return static_cast<int64_t>(unit_.size()); }
  /// [count()]: which unit the k-th of them is.
  std::span<const int32_t> unit() const { return unit_; }

  /// The columns of units that are on move together, in place, to the first count() of y [samples × units].
  /// Whether many zeros are left in these.
  Zeros move_together(MatrixView y) const;
  /// relu_backward() for y, moved together, and the first count() columns of dy [samples × units]; then these
  /// move back, in place, to where they belong, and units that are off have 0.
  void relu_backward(ConstMatrixView y, MatrixView dy) const;

  /// to [rows × count()] = the columns of units that are on of from [rows × units].
  void take_columns(ConstMatrixView from, MatrixView to) const;
  /// to [rows × units], in the columns of units that are on, += from [rows × count()].
  void add_columns(ConstMatrixView from, MatrixView to) const;

 private:
  /// The groups, from the first one on, that stand whole in rows of parameters, as do eight numbers from
  /// their first place on in rows of `together`.
  std::span<const Group> whole_groups(ConstMatrixView apart, ConstMatrixView together) const;

  std::vector<Group> groups_;
  std::vector<int32_t> unit_, bits_;
};

/// to = the rows and columns of `from` that belong to units that are on, reshaped. Null: all.
void take_part(ConstMatrixView from, const UnitsOn* rows, const UnitsOn* cols, Matrix& to);
/// The other way round, added to what stands there.
void add_part(ConstMatrixView from, const UnitsOn* rows, const UnitsOn* cols, MatrixView to);

}  // namespace ncf
