#pragma once
/// bfloat16: the upper half of a float, eight bits of mantissa.

#include <cstdint>

namespace ncf {

/// to[k] = from[k] rounded to nearest, ties to even; what is not finite stays so, and the largest floats
/// become infinite.
void to_bfloat16(const float* from, int64_t count, uint16_t* to);
/// Exact.
void from_bfloat16(const uint16_t* from, int64_t count, float* to);

}  // namespace ncf
