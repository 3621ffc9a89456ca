#pragma once
/// Sums of vectors along the complete binary tree of granules.hpp.

#include <cstdint>
#include <span>
#include <vector>

namespace ncf {

/// out[i] = the terms' i-th values added along the tree: ((t0 + t1) + (t2 + t3)) + … for a power of two,
/// which their number need not be: what is beyond them counts as absent, not as zero. `out` may be any one
/// term.
class SumTree {
 public:
  void sum(std::span<const float* const> terms, int64_t n, float* out);
  void sum(std::span<const double* const> terms, int64_t n, double* out);

 private:
  std::vector<std::vector<float>> floats_;  // a buffer a level, where more than eight terms are added
  std::vector<std::vector<double>> doubles_;
};

}  // namespace ncf
