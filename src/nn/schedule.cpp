#include "ncf/nn/schedule.hpp"

#include <cmath>

namespace ncf {
namespace {

/// From `start` to `end` along half a cosine while x goes from 0 to 1.
double half_cosine(double start, double end, double x) {
  return start + (1 + std::cos(M_PI * (1 - x))) * (end - start) / 2;
}

}  // namespace

StepRates Schedule::at(int64_t step) const {
  const double x = static_cast<double>(step) / static_cast<double>(total_steps);
  if (shape == ScheduleShape::one_cycle) {
    constexpr double peak = 0.25;
    if (x < peak) return {half_cosine(lr / 25, lr, x / peak), half_cosine(0.95, 0.85, x / peak)};
    const double y = (x - peak) / (1 - peak);
    return {half_cosine(lr, lr / 1e5, y), half_cosine(0.85, 0.95, y)};
  }
  const double warm_steps = warmup * static_cast<double>(total_steps);
  if (static_cast<double>(step) < warm_steps)
    return {lr * static_cast<double>(step + 1) / (warm_steps + 1), momentum};
  if (shape == ScheduleShape::cosine) return {half_cosine(lr, 0, (x - warmup) / (1 - warmup)), momentum};
  if (shape == ScheduleShape::step) {
    const int64_t drops = step / decay_every;
    return {lr * std::pow(decay_factor, static_cast<double>(drops)), momentum};
  }
  return {lr, momentum};
}

}  // namespace ncf
