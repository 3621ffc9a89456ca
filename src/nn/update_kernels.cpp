#include "update_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr int64_t lanes = 16;
using Vector = float __attribute__((vector_size(lanes * sizeof(float))));

/// Σₖ size[k]/(root of v·root[k] + ε) for `Count` vectors of roots, which stay in registers over all steps.
template <int Count>
__attribute__((always_inline)) inline void sum_steps(int64_t steps, const float* size, const float* root,
                                                     float eps, const float* roots, float* sums) {
  Vector s[Count], u[Count];
  for (int j = 0; j < Count; ++j) {
    std::memcpy(&s[j], roots + j * lanes, sizeof(Vector));
    u[j] = Vector{};
  }
  for (int64_t k = 0; k < steps; ++k)
    for (int j = 0; j < Count; ++j) u[j] += size[k] / (s[j] * root[k] + eps);
  for (int j = 0; j < Count; ++j) std::memcpy(sums + j * lanes, &u[j], sizeof(Vector));
}

}  // namespace

namespace {

struct Factors {
  float decay, b1, c1, b2, c2, size, inv_bias2, eps;
};

Factors factors_of(const StepFactors& f, float decay) {
  return {decay, f.momentum, f.one_minus_momentum, f.beta2, f.one_minus_beta2, f.step_size, f.inv_sqrt_bias2,
          f.eps};
}

template <bool two_terms>
inline __attribute__((always_inline)) bool adamw(const Factors& f, int64_t n, float* __restrict w,
                                                 const float* __restrict g, const float* __restrict more,
                                                 float* __restrict m, float* __restrict v) {
  LargestBits largest;
  for (int64_t i = 0; i < n; ++i) {
    // Added up before anything else, as where the sum comes by message.
    const float grad = two_terms ? __builtin_assoc_barrier(g[i] + more[i]) : g[i];
    const float mi = f.b1 * m[i] + f.c1 * grad;
    const float vi = f.b2 * v[i] + f.c2 * grad * grad;
    m[i] = mi;
    v[i] = vi;
    const float wi = w[i] * f.decay - f.size * mi / (std::sqrt(vi) * f.inv_bias2 + f.eps);
    w[i] = wi;
    largest.add(wi);
  }
  return largest.of_finite();
}

}  // namespace

static NCF_MULTIARCH bool adamw(Factors f, int64_t n, float* w, const float* g, const float* more, float* m,
                                float* v) {
  return more == nullptr ? adamw<false>(f, n, w, g, more, m, v) : adamw<true>(f, n, w, g, more, m, v);
}

static NCF_MULTIARCH bool adamw_rows(Factors f, const RowsToMove& of_rows) {
  const RowsToMove job = of_rows;  // the compiler knows that no store changes it
  bool finite = true;
  for (std::size_t k = 0; k < job.rows.size(); ++k) {
    const int64_t row = job.rows[k];
    job.ask_for(k);
    finite &=
        adamw<false>(f, job.weight.cols, job.weight.row(row), job.gradients.row(static_cast<int64_t>(k)),
                     nullptr, job.first_moment.row(row), job.second_moment.row(row));
  }
  return finite;
}

static NCF_MULTIARCH void adamw_idle(int64_t steps, const float* size, const float* root, float eps,
                                     float decay, float first, float second, int64_t n, float* __restrict w,
                                     float* __restrict m, float* __restrict v) {
  constexpr int64_t block = 4 * lanes;
  alignas(64) float roots[block] = {}, sums[block];
  for (int64_t at = 0; at < n; at += block) {
    const int64_t count = std::min(block, n - at);
    for (int64_t i = 0; i < count; ++i) roots[i] = std::sqrt(v[at + i]);
    switch ((count + lanes - 1) / lanes) {
      case 1:
        sum_steps<1>(steps, size, root, eps, roots, sums);
        break;
      case 2:
        sum_steps<2>(steps, size, root, eps, roots, sums);
        break;
      case 3:
        sum_steps<3>(steps, size, root, eps, roots, sums);
        break;
      default:
        sum_steps<4>(steps, size, root, eps, roots, sums);
    }
    for (int64_t i = 0; i < count; ++i) {
      w[at + i] = decay * (w[at + i] - m[at + i] * sums[i]);
      m[at + i] *= first;
      v[at + i] *= second;
    }
  }
}

bool adamw_kernel(const StepFactors& f, float decay, int64_t n, float* w, const float* g, const float* more,
                  float* m, float* v) {
  return adamw(factors_of(f, decay), n, w, g, more, m, v);
}

bool adamw_rows_kernel(const StepFactors& f, const RowsToMove& job) {
  return adamw_rows(factors_of(f, f.decay), job);
}

void adamw_idle_kernel(int64_t steps, const float* size, const float* root, float eps, float decay,
                       float first, float second, int64_t n, float* w, float* m, float* v) {
  adamw_idle(steps, size, root, eps, decay, first, second, n, w, m, v);
}

}  // namespace ncf
