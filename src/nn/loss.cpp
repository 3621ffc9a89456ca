#include "ncf/nn/loss.hpp"

#include <cmath>

namespace ncf {
namespace {

float sigmoid(float z) {
  return 1.0F / (1.0F + std::exp(-z));
}

}  // namespace

void predict_in_range(std::span<float> z, const std::optional<OutputRange>& range) {
  if (!range) return;
  for (float& value : z) value = range->low + (range->high - range->low) * sigmoid(value);
}

double squared_error(std::span<float> z, std::span<const float> ratings,
                     const std::optional<OutputRange>& range, int64_t global_rows, ExactSum& sum) {
  const float scale = static_cast<float>(2.0 / static_cast<double>(global_rows));
  double total = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    float slope = 1, y = z[i];
    if (range) {
      const float s = sigmoid(z[i]), width = range->high - range->low;
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
