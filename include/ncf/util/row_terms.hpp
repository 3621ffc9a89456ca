#pragma once
/// Where the gradients of samples go that are summed up by row.

#include <cstdint>
#include <span>

namespace ncf {

/// Sample r adds to row to[r]; where first[r] is 1, the row's first, it overwrites what stands there.
struct RowTerms {
  std::span<const int32_t> to;
  std::span<const uint8_t> first;
};

}  // namespace ncf
