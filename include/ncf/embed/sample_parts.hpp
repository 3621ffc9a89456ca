#pragma once
/// In which part of several the rows of each sample of a slice travel. A row that several samples use travels
/// once, in the first of their parts.

#include <cstdint>
#include <span>

namespace ncf {

struct SampleParts {
  static constexpr int64_t most = 255;

  int64_t count = 1;                   ///< the same on all ranks
  std::span<const uint8_t> of_sample;  ///< [samples], each below `count`; not looked at when that is 1
};

}  // namespace ncf
