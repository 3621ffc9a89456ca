#pragma once
/// The output of a rating model and its loss.

#include <optional>
#include <span>

#include "ncf/util/exact_sum.hpp"

namespace ncf {

struct OutputRange {
  float low = 0, high = 1;
};

/// z becomes the prediction in place: low + (high − low)·sigmoid(z), or z itself without a range.
void predict_in_range(std::span<float> z, const std::optional<OutputRange>& range);

/// Mean squared error over a global batch of `global_rows`: z becomes d(loss)/dz in place; the squared errors
/// of these rows are added to `sum`. Returns their plain sum, to watch for values that are not finite.
double squared_error(std::span<float> z, std::span<const float> ratings,
                     const std::optional<OutputRange>& range, int64_t global_rows, ExactSum& sum);

}  // namespace ncf
