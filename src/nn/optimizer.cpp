#include "ncf/nn/optimizer.hpp"

#include <cmath>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void adamw(float decay, float b1, float c1, float b2, float c2, float size, float inv_bias2,
                         float eps, int64_t n, float* __restrict w, const float* __restrict g,
                         float* __restrict m, float* __restrict v) {
  for (int64_t i = 0; i < n; ++i) {
    const float grad = g[i];
    const float mi = b1 * m[i] + c1 * grad;
    const float vi = b2 * v[i] + c2 * grad * grad;
    m[i] = mi;
    v[i] = vi;
    w[i] = w[i] * decay - size * mi / (std::sqrt(vi) * inv_bias2 + eps);
  }
}

NCF_MULTIARCH void adamw_without_gradient(float decay, float b1, float b2, float size, float inv_bias2,
                                          float eps, int64_t n, float* __restrict w, float* __restrict m,
                                          float* __restrict v) {
  for (int64_t i = 0; i < n; ++i) {
    const float mi = b1 * m[i];
    const float vi = b2 * v[i];
    m[i] = mi;
    v[i] = vi;
    w[i] = w[i] * decay - size * mi / (std::sqrt(vi) * inv_bias2 + eps);
  }
}

NCF_MULTIARCH void sgd(float decay, float momentum, float lr, int64_t n, float* __restrict w,
                       const float* __restrict g, float* __restrict m) {
  for (int64_t i = 0; i < n; ++i) {
    const float mi = momentum * m[i] + g[i];
    m[i] = mi;
    w[i] = w[i] * decay - lr * mi;
  }
}

NCF_MULTIARCH void sgd_without_gradient(float decay, float momentum, float lr, int64_t n, float* __restrict w,
                                        float* __restrict m) {
  for (int64_t i = 0; i < n; ++i) {
    const float mi = momentum * m[i];
    m[i] = mi;
    w[i] = w[i] * decay - lr * mi;
  }
}

}  // namespace

StepFactors step_factors(const UpdateRule& rule, const StepRates& rates, int64_t step) {
  const double t = static_cast<double>(step);
  StepFactors f;
  f.kind = rule.kind;
  f.decay = static_cast<float>(1 - rates.lr * rule.weight_decay);
  f.momentum = static_cast<float>(rates.momentum);
  if (rule.kind == RuleKind::sgd) {
    f.step_size = static_cast<float>(rates.lr);
    return f;
  }
  f.one_minus_momentum = static_cast<float>(1 - rates.momentum);
  f.beta2 = static_cast<float>(rule.beta2);
  f.one_minus_beta2 = static_cast<float>(1 - rule.beta2);
  f.step_size = static_cast<float>(rates.lr / (1 - std::pow(rates.momentum, t)));
  f.inv_sqrt_bias2 = static_cast<float>(1 / std::sqrt(1 - std::pow(rule.beta2, t)));
  f.eps = static_cast<float>(rule.eps);
  return f;
}

void update(const StepFactors& f, bool decays, int64_t n, float* w, const float* g, float* m, float* v) {
  const float decay = decays ? f.decay : 1.0F;
  if (f.kind == RuleKind::sgd) return sgd(decay, f.momentum, f.step_size, n, w, g, m);
  adamw(decay, f.momentum, f.one_minus_momentum, f.beta2, f.one_minus_beta2, f.step_size, f.inv_sqrt_bias2,
        f.eps, n, w, g, m, v);
}

void update_without_gradient(const StepFactors& f, bool decays, int64_t n, float* w, float* m, float* v) {
  const float decay = decays ? f.decay : 1.0F;
  if (f.kind == RuleKind::sgd) return sgd_without_gradient(decay, f.momentum, f.step_size, n, w, m);
  adamw_without_gradient(decay, f.momentum, f.beta2, f.step_size, f.inv_sqrt_bias2, f.eps, n, w, m, v);
}

}  // namespace ncf
