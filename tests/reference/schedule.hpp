#pragma once
/// Learning rates and momenta once more, for tests: in the terms of fastai's source, epochs and batches and
/// fractions of a run, where the code under test counts steps.

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace ncf::reference {

/// What the schedule says for one step. The momentum is AdamW's β₁.
struct Rates {
  double lr = 0, momentum = 0;
};

/// fastai's sched_cos.
inline double sched_cos(double start, double end, double position) {
  return start + (1 + std::cos(std::numbers::pi * (1 - position))) * (end - start) / 2;
}

/// fastai's combined_cos: start → middle in the first `pct` of the run, middle → end in the rest.
inline double combined_cos(double pct, double start, double middle, double end, double position) {
  if (position < pct) return sched_cos(start, middle, position / pct);
  return sched_cos(middle, end, (position - pct) / (1 - pct));
}

/// fastai's fit_one_cycle(epochs, lr), batch by batch: div 25, div_final 1e5, pct_start .25, moms .95, .85,
/// .95. The position is that of before_batch: an epoch starts anew at its own fraction, a batch adds
/// 1/(n·epochs).
inline std::vector<Rates> one_cycle(std::size_t epochs, std::size_t batches_per_epoch, double lr) {
  std::vector<Rates> rates;
  const double n = static_cast<double>(batches_per_epoch), all = static_cast<double>(epochs);
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    double pct_train = static_cast<double>(epoch) / all;
    for (std::size_t batch = 0; batch < batches_per_epoch; ++batch) {
      rates.push_back({combined_cos(0.25, lr / 25, lr, lr / 1e5, pct_train),
                       combined_cos(0.25, 0.95, 0.85, 0.95, pct_train)});
      pct_train += 1 / (n * all);
    }
  }
  return rates;
}

/// The other shapes, with `warm` steps that rise to the peak in equal parts, none of them zero. The shape
/// itself is given as the fraction of the peak at a step: see below.
template <class Shape>
std::vector<Rates> warmed_up(std::size_t steps, std::size_t warm, double lr, double momentum, Shape&& shape) {
  std::vector<Rates> rates;
  for (std::size_t step = 0; step < steps; ++step) {
    const double part =
        step < warm ? static_cast<double>(step + 1) / static_cast<double>(warm + 1) : shape(step);
    rates.push_back({lr * part, momentum});
  }
  return rates;
}

inline std::vector<Rates> constant(std::size_t steps, std::size_t warm, double lr, double momentum) {
  return warmed_up(steps, warm, lr, momentum, [](std::size_t) { return 1.0; });
}

/// From the peak to zero along half a cosine over the steps after the warm-up.
inline std::vector<Rates> cosine(std::size_t steps, std::size_t warm, double lr, double momentum) {
  return warmed_up(steps, warm, lr, momentum, [&](std::size_t step) {
    return sched_cos(1, 0, static_cast<double>(step - warm) / static_cast<double>(steps - warm));
  });
}

/// Times `factor` after each `every` steps of the run, those of the warm-up counted.
inline std::vector<Rates> step_decay(std::size_t steps, std::size_t warm, double lr, double momentum,
                                     std::size_t every, double factor) {
  return warmed_up(steps, warm, lr, momentum, [&](std::size_t step) {
    double part = 1;
    for (std::size_t drop = every; drop <= step; drop += every) part *= factor;
    return part;
  });
}

}  // namespace ncf::reference
