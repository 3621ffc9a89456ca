#include "ncf/model/factored_input.hpp"

#include <algorithm>

#include "ncf/nn/gemm.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void add_bias(int64_t n, const float* __restrict bias, float* __restrict row) {
  for (int64_t i = 0; i < n; ++i) row[i] += bias[i];
}

NCF_MULTIARCH void add_relu(int64_t n, const float* __restrict a, const float* __restrict b,
                            float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) {
    const float sum = a[i] + b[i];
    y[i] = sum > 0 ? sum : 0;
  }
}

NCF_MULTIARCH void mask_and_add(int64_t n, const float* __restrict y, const float* __restrict dy,
                                float* __restrict to_user, float* __restrict to_item) {
  for (int64_t i = 0; i < n; ++i) {
    const float d = y[i] > 0 ? dy[i] : 0;
    to_user[i] += d;
    to_item[i] += d;
  }
}

/// What adding a sample's rows costs, in columns of the products that it saves. Measured: about the same from
/// 8 to 40.
constexpr int64_t columns_per_sample = 16;

}  // namespace

void FactoredInput::find_unique(std::span<const int32_t> slots, int64_t unique,
                                std::span<const int64_t> bounds, Side& side) {
  side.slots.clear();
  side.bounds.assign(1, 0);
  side.of_sample.resize(slots.size());
  side.seen.resize(static_cast<std::size_t>(unique));
  side.seen_for.assign(static_cast<std::size_t>(unique), -1);
  for (std::size_t g = 0; g + 1 < bounds.size(); ++g) {
    for (auto k = static_cast<std::size_t>(bounds[g]); k < static_cast<std::size_t>(bounds[g + 1]); ++k) {
      const auto slot = static_cast<std::size_t>(slots[k]);
      if (side.seen_for[slot] != static_cast<int32_t>(g)) {
        side.seen_for[slot] = static_cast<int32_t>(g);
        side.seen[slot] = static_cast<int32_t>(side.slots.size());
        side.slots.push_back(slots[k]);
      }
      side.of_sample[k] = side.seen[slot];
    }
    side.bounds.push_back(static_cast<int64_t>(side.slots.size()));
  }
}

void FactoredInput::plan(const BatchView& batch, int64_t units) {
  find_unique(batch.user_slots, batch.users.rows, batch.bounds, sides_[0]);
  find_unique(batch.item_slots, batch.items.rows, batch.bounds, sides_[1]);
  covered_.assign(static_cast<std::size_t>(batch.granules()), false);
  const int64_t user_cols = batch.users.cols, item_cols = batch.items.cols;
  bool any = false;
  for (int64_t g = 0; g < batch.granules(); ++g) {
    const int64_t samples =
        batch.bounds[static_cast<std::size_t>(g) + 1] - batch.bounds[static_cast<std::size_t>(g)];
    const int64_t factored = sides_[0].count(g) * user_cols + sides_[1].count(g) * item_cols;
    const bool cover = factored + samples * columns_per_sample < samples * (user_cols + item_cols);
    covered_[static_cast<std::size_t>(g)] = cover;
    any = any || cover;
  }
  if (!any) return;
  for (std::size_t s = 0; s < 2; ++s) {
    Side& side = sides_[s];
    const auto terms = static_cast<int64_t>(side.slots.size());
    const int64_t cols = s == 0 ? user_cols : item_cols;
    side.rows.reshape(terms, cols);
    side.row_gradient.reshape(terms, cols);
    side.projected.reshape(terms, units);
    side.gradient.reshape(terms, units);
  }
}

void FactoredInput::project(const BatchView& batch, int64_t granule, ForwardWeight weight,
                            std::span<const float> bias) {
  int64_t column = 0;
  for (std::size_t s = 0; s < 2; ++s) {
    Side& side = sides_[s];
    const ConstMatrixView from = s == 0 ? batch.users : batch.items;
    const int64_t first = side.first(granule), count = side.count(granule);
    for (int64_t r = first; r < first + count; ++r)
      std::copy_n(from.row(side.slots[static_cast<std::size_t>(r)]), from.cols, side.rows.row(r));
    const MatrixView projected = side.projected.view().rows_from(first, count);
    const ForwardWeight part = weight.inputs(column, from.cols);
    gemm(side.rows.view().rows_from(first, count), Op::none, part.matrix, part.op(), projected);
    std::fill_n(side.gradient.row(first), count * side.gradient.cols(), 0.0F);
    column += from.cols;
    if (s == 1 && !bias.empty())
      for (int64_t r = 0; r < count; ++r) add_bias(projected.cols, bias.data(), projected.row(r));
  }
}

void FactoredInput::forward(int64_t first, MatrixView y) const {
  for (int64_t r = 0; r < y.rows; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    add_relu(y.cols, sides_[0].projected.row(sides_[0].of_sample[k]),
             sides_[1].projected.row(sides_[1].of_sample[k]), y.row(r));
  }
}

void FactoredInput::backward(int64_t first, ConstMatrixView y, ConstMatrixView dy) {
  for (int64_t r = 0; r < y.rows; ++r) {
    const auto k = static_cast<std::size_t>(first + r);
    mask_and_add(y.cols, y.row(r), dy.row(r), sides_[0].gradient.row(sides_[0].of_sample[k]),
                 sides_[1].gradient.row(sides_[1].of_sample[k]));
  }
}

void FactoredInput::finish(int64_t granule, ConstMatrixView weight, MatrixView dweight,
                           std::span<float> dbias) {
  int64_t column = 0;
  for (Side& side : sides_) {
    const int64_t first = side.first(granule), count = side.count(granule), cols = side.rows.cols();
    const MatrixView gradient = side.gradient.view().rows_from(first, count);
    gemm(gradient, Op::transpose, side.rows.view().rows_from(first, count), Op::none,
         dweight.cols_from(column, cols), 1);
    gemm(gradient, Op::none, weight.cols_from(column, cols), Op::none,
         side.row_gradient.view().rows_from(first, count));
    column += cols;
  }
  if (dbias.empty()) return;
  // Every sample has one user: the users' sums are the samples'.
  const Side& users = sides_[0];
  for (int64_t r = users.first(granule); r < users.first(granule) + users.count(granule); ++r)
    add_bias(users.gradient.cols(), users.gradient.row(r), dbias.data());
}

void FactoredInput::list(std::size_t side, int64_t granule, RowGradients& out) const {
  const Side& s = sides_[side];
  for (int64_t r = s.first(granule); r < s.first(granule) + s.count(granule); ++r)
    out.add(s.slots[static_cast<std::size_t>(r)], s.row_gradient.row(r));
  out.end_granule();
}

}  // namespace ncf
