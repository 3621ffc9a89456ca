#include "ncf/util/random.hpp"

#include <Random123/philox.h>
#include <boost/math/special_functions/erf.hpp>

#include <cmath>

namespace ncf {
namespace {

/// Inverse of the standard normal distribution function.
double inverse_normal(double p) {
  return -std::sqrt(2.0) * boost::math::erfc_inv(2 * p);
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
