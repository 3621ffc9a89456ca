#include "ncf/util/finite.hpp"

#include <cstring>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// How many values have all bits of the exponent set. Integers may be summed in any order, so this vectorises
/// where a sum of floats would not.
NCF_MULTIARCH int64_t count_not_finite(ConstMatrixView values) {
  constexpr uint32_t exponent = 0x7f800000;
  int64_t total = 0;
  for (int64_t r = 0; r < values.rows; ++r) {
    uint32_t here = 0;
    for (int64_t i = 0; i < values.cols; ++i) {
      uint32_t bits;
      std::memcpy(&bits, values.row(r) + i, sizeof bits);
      here += (bits & exponent) == exponent ? 1 : 0;
    }
    total += here;
  }
  return total;
}

}  // namespace

bool all_finite(std::span<const float> values) {
  return all_rows_finite(ConstMatrixView(values.data(), 1, std::ssize(values)));
}

bool all_rows_finite(ConstMatrixView values) {
  return count_not_finite(values) == 0;
}

}  // namespace ncf
