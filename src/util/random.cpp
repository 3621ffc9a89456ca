#include "ncf/util/random.hpp"

#include <Random123/philox.h>

#include <cmath>

namespace ncf {
namespace {

using Coefficients = std::array<double, 8>;

/// Ascending powers.
double polynomial(const Coefficients& c, double x) {
  double sum = c[7];
  for (std::size_t k = 7; k-- > 0;) sum = sum * x + c[k];
  return sum;
}

/// Inverse of the standard normal distribution function to 1e-16, for p in (0, 1): algorithm AS 241 (Wichura
/// 1988), a rational function each for the middle, the tails and the far tails.
double inverse_normal(double p) {
  static constexpr Coefficients middle_over = {
      3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr Coefficients middle_under = {1.0,
                                                4.2313330701600911252e+1,
                                                6.8718700749205790830e+2,
                                                5.3941960214247511077e+3,
                                                2.1213794301586595867e+4,
                                                3.9307895800092710610e+4,
                                                2.8729085735721942674e+4,
                                                5.2264952788528545610e+3};
  static constexpr Coefficients tail_over = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                             5.76949722146069140550e0,  3.64784832476320460504e0,
                                             1.27045825245236838258e0,  2.41780725177450611770e-1,
                                             2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr Coefficients tail_under = {1.0,
                                              2.05319162663775882187e0,
                                              1.67638483018380384940e0,
                                              6.89767334985100004550e-1,
                                              1.48103976427480074590e-1,
                                              1.51986665636164571966e-2,
                                              5.47593808499534494600e-4,
                                              1.05075007164441684324e-9};
  static constexpr Coefficients far_over = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                            1.78482653991729133580e0,  2.96560571828504891230e-1,
                                            2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                            2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr Coefficients far_under = {1.0,
                                             5.99832206555887937690e-1,
                                             1.36929880922735805310e-1,
                                             1.48753612908506148525e-2,
                                             7.86869131145613259100e-4,
                                             1.84631831751005468180e-5,
                                             1.42151175831644588870e-7,
                                             2.04426310338993978564e-15};
  const double from_middle = p - 0.5;
  if (std::abs(from_middle) <= 0.425) {
    const double t = 0.180625 - from_middle * from_middle;
    return from_middle * polynomial(middle_over, t) / polynomial(middle_under, t);
  }
  const double r = std::sqrt(-std::log(from_middle < 0 ? p : 1 - p));
  const double x = r <= 5 ? polynomial(tail_over, r - 1.6) / polynomial(tail_under, r - 1.6)
                          : polynomial(far_over, r - 5) / polynomial(far_under, r - 5);
  return std::copysign(x, from_middle);
}

/// In (0, 1): never an end point, which the inverse would send to infinity.
double open_uniform(uint64_t bits) {
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

}  // namespace

std::array<uint32_t, 4> random_block(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b) {
  // The purpose is mixed into the key; a and b are the counter.
  const r123::Philox4x32::key_type key = {
      {static_cast<uint32_t>(seed) ^ (static_cast<uint32_t>(purpose) * 0x9E3779B9U),
       static_cast<uint32_t>(seed >> 32)}};
  const r123::Philox4x32::ctr_type counter = {{static_cast<uint32_t>(a), static_cast<uint32_t>(a >> 32),
                                               static_cast<uint32_t>(b), static_cast<uint32_t>(b >> 32)}};
  const auto out = r123::Philox4x32{}(counter, key);
  return {out[0], out[1], out[2], out[3]};
}

uint64_t random_bits(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b) {
  const auto block = random_block(seed, purpose, a, b);
  return static_cast<uint64_t>(block[0]) | (static_cast<uint64_t>(block[1]) << 32);
}

double random_uniform(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b) {
  return static_cast<double>(random_bits(seed, purpose, a, b) >> 11) * 0x1p-53;
}

uint64_t random_below(uint64_t bound, uint64_t seed, Purpose purpose, uint64_t a, uint64_t b) {
  __extension__ using uint128 = unsigned __int128;
  return static_cast<uint64_t>((uint128{random_bits(seed, purpose, a, b)} * bound) >> 64);
}

double random_normal(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b) {
  return inverse_normal(open_uniform(random_bits(seed, purpose, a, b)));
}

}  // namespace ncf
