#pragma once
/// Whether floats are finite, fast enough to ask at every step.

#include <cstdint>
#include <span>

#include "ncf/util/matrix.hpp"

namespace ncf {

/// False when a value is infinite or NaN.
bool all_finite(std::span<const float> values);
bool all_rows_finite(ConstMatrixView values);

}  // namespace ncf
