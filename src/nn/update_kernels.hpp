#pragma once
/// The inner loops of the update rules. Their file alone is compiled with -ffast-math: square roots and
/// divisions then are the processor's estimates, refined to about the last bit, several times faster than its
/// exact instructions.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "ncf/nn/optimizer.hpp"

namespace ncf {

/// The largest of some values, as integers without their signs: whether all were finite, told by their bits,
/// which no compiler may presume.
struct LargestBits {
  int32_t bits = 0;
  void add(float value) {
    int32_t mine;
    std::memcpy(&mine, &value, sizeof mine);
    bits = std::max(bits, mine & 0x7fffffff);
  }
  bool of_finite() const { return bits < 0x7f800000; }
};

/// The gradients are g, or, if `more` is not null, g + more. Returns whether all w are finite then.
bool adamw_kernel(const StepFactors& f, float decay, int64_t n, float* w, const float* g, const float* more,
                  float* m, float* v);

/// The same of rows, each with decay.
bool adamw_rows_kernel(const StepFactors& f, const RowsToMove& job);

/// w = decay·(w − m·Σₖ size[k]/(√v·root[k] + ε)); then m·=first, v·=second.
void adamw_idle_kernel(int64_t steps, const float* size, const float* root, float eps, float decay,
                       float first, float second, int64_t n, float* w, float* m, float* v);

}  // namespace ncf
