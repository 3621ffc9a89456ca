#pragma once
/// The inner loops of the update rules. Their file alone is compiled with -ffast-math: square roots and
/// divisions then are the processor's estimates, refined to about the last bit, several times faster than its
/// exact instructions.

#include <cstdint>

#include "ncf/nn/optimizer.hpp"

namespace ncf {

void adamw_kernel(const StepFactors& f, float decay, int64_t n, float* w, const float* g, float* m, float* v);

/// w = decay·(w − m·Σₖ size[k]/(√v·root[k] + ε)); then m·=first, v·=second.
void adamw_idle_kernel(int64_t steps, const float* size, const float* root, float eps, float decay,
                       float first, float second, int64_t n, float* w, float* m, float* v);

}  // namespace ncf
