#include "ncf/nn/loss.hpp"

#include <algorithm>
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

}  // namespace

void predict_in_range(std::span<float> z, const std::optional<OutputRange>& range) {
  if (!range) return;
  sigmoids(std::ssize(z), z.data());
  for (float& value : z) value = range->low + (range->high - range->low) * value;
}

double squared_error(std::span<float> z, std::span<const float> ratings,
                     const std::optional<OutputRange>& range, int64_t global_rows, ExactSum& sum) {
  const float scale = static_cast<float>(2.0 / static_cast<double>(global_rows));
  if (range) sigmoids(std::ssize(z), z.data());
  double total = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    float slope = 1, y = z[i];
    if (range) {
      const float s = z[i], width = range->high - range->low;
      y = range->low + width * s;
      slope = width * s * (1 - s);
    }
    const float error = y - ratings[i];
    const double square = static_cast<double>(error) * static_cast<double>(error);
    sum.add(square);
    total += square;
    z[i] = scale * error * slope;
  }
  return total;
}

}  // namespace ncf
