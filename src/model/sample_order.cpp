#include "ncf/model/sample_order.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "ncf/nn/unit.hpp"

namespace ncf {
namespace {

/// Of the power method. Where the first direction does not stand out, four leave a mixture of the first few,
/// which sorts as well.
constexpr int rounds = 4;
constexpr std::size_t buckets = 1024;  // of equal width: within one, samples keep their order

void scale_to_length_1(std::span<float> v) {
  double squares = 0;
  for (const float x : v) squares += static_cast<double>(x) * static_cast<double>(x);
  const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
  for (float& x : v) x *= scale;
}

}  // namespace

/// By the power method on WᵀW: Golub and Van Loan, "Matrix Computations", 7.3.
void SampleOrder::find_direction(ConstMatrixView weight, ConstMatrixView transposed) {
  units_.assign(static_cast<std::size_t>(weight.rows), 1.0F);
  direction_.resize(static_cast<std::size_t>(weight.cols));
  for (int round = 0; round < rounds; ++round) {
    if (round > 0) unit_forward(weight, direction_, 0, units_);
    unit_forward(transposed, units_, 0, direction_);
    scale_to_length_1(direction_);
  }
}

/// Counting sort.
void SampleOrder::arrange_granule(const BatchView& batch, int64_t first, int64_t end) {
  const auto from = static_cast<std::size_t>(first), to = static_cast<std::size_t>(end);
  float low = key_[from], high = low;
  for (std::size_t k = from; k < to; ++k) {
    low = std::min(low, key_[k]);
    high = std::max(high, key_[k]);
  }
  constexpr auto last = static_cast<float>(buckets - 1);
  const float scale = high > low ? last / (high - low) : 0;
  const auto bucket = [&](std::size_t k) {
    const float place = (key_[k] - low) * scale;  // a NaN goes to the first one
    return static_cast<std::size_t>(place > 0 ? std::min(place, last) : 0.0F);
  };
  std::array<std::size_t, buckets + 1> next = {};
  for (std::size_t k = from; k < to; ++k) ++next[bucket(k) + 1];
  next[0] = from;
  for (std::size_t b = 0; b < buckets; ++b) next[b + 1] += next[b];
  for (std::size_t k = from; k < to; ++k) {
    const std::size_t place = next[bucket(k)]++;
    user_slots_[place] = batch.user_slots[k];
    item_slots_[place] = batch.item_slots[k];
    ratings_[place] = batch.ratings[k];
  }
}

void SampleOrder::arrange(ConstMatrixView weight, ConstMatrixView transposed,
                          std::array<ConstMatrixView, 2> rows, BatchView& batch, WorkerPool& pool) {
  find_direction(weight, transposed);
  const auto score = [&](ConstMatrixView of, std::span<const float> direction, std::vector<float>& out) {
    out.resize(static_cast<std::size_t>(of.rows));
    pool.share_out(of.rows, [&](int64_t first, int64_t end) {
      unit_forward(of.rows_from(first, end - first), direction, 0,
                   std::span(out).subspan(static_cast<std::size_t>(first)));
    });
  };
  const std::span<const float> direction(direction_);
  score(rows[0], direction.first(static_cast<std::size_t>(rows[0].cols)), of_user_);
  score(rows[1], direction.subspan(static_cast<std::size_t>(rows[0].cols)), of_item_);

  const auto samples = static_cast<std::size_t>(batch.samples());
  key_.resize(samples);
  user_slots_.resize(samples);
  item_slots_.resize(samples);
  ratings_.resize(samples);
  for (std::size_t k = 0; k < samples; ++k)
    key_[k] = of_user_[static_cast<std::size_t>(batch.user_slots[k])] +
              of_item_[static_cast<std::size_t>(batch.item_slots[k])];
  pool.run(batch.granules(), [&](int64_t g, int64_t) {
    const auto at = static_cast<std::size_t>(g);
    if (batch.bounds[at] < batch.bounds[at + 1])
      arrange_granule(batch, batch.bounds[at], batch.bounds[at + 1]);
  });
  batch.user_slots = user_slots_;
  batch.item_slots = item_slots_;
  batch.ratings = ratings_;
}

}  // namespace ncf
