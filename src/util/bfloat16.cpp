#include "ncf/util/bfloat16.hpp"

#include <bit>

#include "ncf/util/target.hpp"

namespace ncf {

NCF_MULTIARCH void to_bfloat16(const float* __restrict from, int64_t count, uint16_t* __restrict to) {
  for (int64_t k = 0; k < count; ++k) {
    const auto bits = std::bit_cast<uint32_t>(from[k]);
    const uint32_t rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    const uint32_t quiet = bits >> 16 | 0x40U;  // a NaN whose mantissa is all in the lower half stays one
    to[k] = static_cast<uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? quiet : rounded);
  }
}

NCF_MULTIARCH void from_bfloat16(const uint16_t* __restrict from, int64_t count, float* __restrict to) {
  for (int64_t k = 0; k < count; ++k) to[k] = std::bit_cast<float>(uint32_t{from[k]} << 16);
}

}  // namespace ncf
