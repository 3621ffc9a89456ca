#include "ncf/nn/loss.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// e^x for finite x, to about the last bit, without a branch or a table, so that loops of it are vectorised
/// and a value does not depend on its place in them: 2ⁿ times the Taylor series of e^r, |r| ≤ ln 2 / 2. From
/// 89 on it is infinite, as the float nearest to e^x is.
inline float exponential(float x) {
  constexpr float log2_e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
  x = std::min(std::max(x, -87.0F), 89.0F);
  const float n = std::nearbyint(x * log2_e);
  const float r = (x - n * ln2_high) - n * ln2_low;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

NCF_MULTIARCH void sigmoids(int64_t n, float* __restrict z) {
  // A NaN stays one: the clamp would turn it into a number.
  for (int64_t i = 0; i < n; ++i) z[i] = z[i] == z[i] ? 1.0F / (1.0F + exponential(-z[i])) : z[i];
}

/// Of predictions from sigmoids s, low + width·s, or, not in a range, from s itself: the squares of the
/// errors, their sum, and in place of s the gradients by what the sigmoids were of, times `scale`.
template <bool in_range>
__attribute__((always_inline)) inline double errors(int64_t n, float* __restrict s,
                                                    const float* __restrict ratings, float low, float width,
                                                    float scale, double* __restrict squares) {
  constexpr int64_t lanes = 8;  // one after the other, sums would wait for each other
  double sums[lanes] = {};
  const auto error = [&](int64_t i) {
    const float y = in_range ? low + width * s[i] : s[i], by = y - ratings[i];
    squares[i] = static_cast<double>(by) * static_cast<double>(by);
    s[i] = in_range ? scale * by * (width * s[i] * (1 - s[i])) : scale * by;
    return squares[i];
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int64_t j = 0; j < lanes; ++j) sums[j] += error(i + j);
  for (; i < n; ++i) sums[0] += error(i);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

NCF_MULTIARCH double errors_in_range(int64_t n, float* __restrict s, const float* __restrict ratings,
                                     float low, float width, float scale, double* __restrict squares) {
  return errors<true>(n, s, ratings, low, width, scale, squares);
}
NCF_MULTIARCH double plain_errors(int64_t n, float* __restrict s, const float* __restrict ratings,
                                  float scale, double* __restrict squares) {
  return errors<false>(n, s, ratings, 0, 1, scale, squares);
}

}  // namespace

void predict_in_range(std::span<float> z, const std::optional<OutputRange>& range) {
  if (!range) return;
  sigmoids(std::ssize(z), z.data());
  for (float& value : z) value = range->low + (range->high - range->low) * value;
}

double squared_error(std::span<float> z, std::span<const float> ratings,
                     const std::optional<OutputRange>& range, int64_t global_rows, ExactSum& sum) {
  const float scale = static_cast<float>(2.0 / static_cast<double>(global_rows));
  constexpr std::size_t block = 512;
  std::array<double, block> squares;
  double total = 0;
  for (std::size_t first = 0; first < z.size(); first += block) {
    const std::size_t count = std::min(block, z.size() - first);
    const auto n = static_cast<int64_t>(count);
    float* const s = z.data() + first;
    if (range) {
      sigmoids(n, s);
      total += errors_in_range(n, s, ratings.data() + first, range->low, range->high - range->low, scale,
                               squares.data());
    } else {
      total += plain_errors(n, s, ratings.data() + first, scale, squares.data());
    }
    sum.add(std::span<const double>(squares).first(count));
  }
  return total;
}

}  // namespace ncf
