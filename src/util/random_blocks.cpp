// Many random numbers at once, in a form that vector registers take: a large embedding table has a thousand
// million. The words are those of random_block().
#include <algorithm>
#include <array>

#include "ncf/util/random.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr std::size_t lanes = 64;  // blocks at once
using Words = std::array<std::array<uint32_t, lanes>, 4>;

/// Philox4x32-10 (Salmon et al. 2011) on `lanes` counters, in place.
NCF_MULTIARCH void philox(uint32_t key0, uint32_t key1, Words& words) {
  auto& [c0, c1, c2, c3] = words;
  for (int round = 0; round < 10; ++round) {
    for (std::size_t k = 0; k < lanes; ++k) {
      const uint64_t even = uint64_t{0xD2511F53U} * c0[k], odd = uint64_t{0xCD9E8D57U} * c2[k];
      c0[k] = static_cast<uint32_t>(odd >> 32) ^ c1[k] ^ key0;
      c1[k] = static_cast<uint32_t>(odd);
      c2[k] = static_cast<uint32_t>(even >> 32) ^ c3[k] ^ key1;
      c3[k] = static_cast<uint32_t>(even);
    }
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
}

/// The quantile of the truncated normal at (word + 1/2) / 2^32. With u = 2p - 1 in [-erf(sqrt 2), erf(sqrt
/// 2)] it is sqrt(2) erfinv(u) = u R(u^2); R is the best rational function of degree 4 over 4 there, found by
/// Remez' exchange, relative error 8.9e-8.
NCF_MULTIARCH void quantiles(const uint32_t* words, float* out) {
  constexpr double reach = 0.95449973610364158 * 0x1p-31;  // erf(sqrt 2), scaled
  for (std::size_t k = 0; k < lanes; ++k) {
    const double u = (static_cast<double>(static_cast<int32_t>(words[k] ^ 0x80000000U)) + 0.5) * reach;
    const double t = u * u;
    const double over =
        1.25331421221355159 +
        t * (-3.04338645811394306 +
             t * (2.48202476405953295 + t * (-0.738689899407207525 + t * 0.0491115418333141161)));
    const double under =
        1 + t * (-2.69006629968335457 +
                 t * (2.54064331479411763 + t * (-0.964755421775749721 + t * 0.114942641713955437)));
    out[k] = static_cast<float>(u * (over / under));
  }
}

}  // namespace

void random_truncated_normals(uint64_t seed, Purpose purpose, uint64_t a, std::span<const uint64_t> blocks,
                              std::span<float> values) {
  const uint32_t key0 = static_cast<uint32_t>(seed) ^ (static_cast<uint32_t>(purpose) * 0x9E3779B9U),
                 key1 = static_cast<uint32_t>(seed >> 32);
  Words words;
  std::array<float, lanes> normals;
  for (std::size_t first = 0; first < blocks.size(); first += lanes) {
    const std::size_t count = std::min(lanes, blocks.size() - first);
    for (std::size_t k = 0; k < lanes; ++k) {
      const uint64_t b = k < count ? blocks[first + k] : 0;
      words[0][k] = static_cast<uint32_t>(a);
      words[1][k] = static_cast<uint32_t>(a >> 32);
      words[2][k] = static_cast<uint32_t>(b);
      words[3][k] = static_cast<uint32_t>(b >> 32);
    }
    philox(key0, key1, words);
    for (std::size_t w = 0; w < 4; ++w) {
      quantiles(words[w].data(), normals.data());
      std::copy_n(normals.data(), count, values.data() + w * blocks.size() + first);
    }
  }
}

}  // namespace ncf
