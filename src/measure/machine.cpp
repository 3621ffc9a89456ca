#include "ncf/measure/machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "ncf/util/clock.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// The shortest of many rounds within `seconds`: what others on the machine take only ever adds.
template <class Round>
double best_time(double seconds, const Round& round) {
  double best = std::numeric_limits<double>::infinity();
  const double end = now_s() + seconds;
  for (int k = 0; k < 5 || now_s() < end; ++k) {  // the first ones also prepare
    const double begin = now_s();
    round();
    best = std::min(best, now_s() - begin);
  }
  return best;
}

#if defined(__GNUC__)
typedef float Lanes __attribute__((vector_size(64)));

/// Chains of multiply-adds that depend on nothing but themselves. As many as hide the latency of one and
/// still fit the registers: N of 64 bytes.
template <int N>
[[gnu::always_inline]] inline float chains(int64_t rounds) {
  Lanes sum[N] = {}, factor = {}, term = {};
  // Of equal chains the compiler would make one, and none of 1, which 1 · .999 + .001 leaves as it is.
  for (int k = 0; k < N; ++k) sum[k] += static_cast<float>(k + 2);
  factor += 0.999F;
  term += 1e-3F;
  for (int64_t r = 0; r < rounds; ++r)
#pragma GCC unroll 16
    for (int k = 0; k < N; ++k) sum[k] = sum[k] * factor + term;
  float total = 0;
  for (int k = 0; k < N; ++k)
    for (int i = 0; i < 16; ++i) total += sum[k][i];
  return total;
}
constexpr int many = 10, few = 5;
NCF_MULTIARCH float many_chains(int64_t rounds) {
  return chains<many>(rounds);
}
NCF_MULTIARCH float few_chains(int64_t rounds) {
  return chains<few>(rounds);
}
#endif

volatile float result = 0;  // what is computed for its time only

double fma_gflops() {
  constexpr int64_t rounds = 20000;
#if defined(__GNUC__)
  const double long_s = best_time(0.03, [] { result = many_chains(rounds); });
  const double short_s = best_time(0.03, [] { result = few_chains(rounds); });
  return 2e-9 * 16 * rounds * std::max(many / long_s, few / short_s);
#else
  const double s = best_time(0.03, [] {
    float sum = 0;
    for (int64_t r = 0; r < rounds; ++r) sum = sum * 0.999F + 1e-3F;
    result = sum;
  });
  return 2e-9 * rounds / s;
#endif
}

double gemm_gflops(Precision precision) {
  constexpr int64_t m = 512, k = 512, n = 512;
  Matrix a(m, k), b(k, n), c(m, n);
  a.fill(0.01F);
  b.fill(0.01F);
  const double s =
      best_time(0.06, [&] { gemm(a.view(), Op::none, b.view(), Op::none, c.view(), 0, precision); });
  return 2e-9 * static_cast<double>(m * k * n) / s;
}

NCF_MULTIARCH void triad(std::size_t n, float* __restrict a, const float* __restrict b,
                         const float* __restrict c) {
  for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + 0.5F * c[i];
}

double triad_gb_s(std::size_t n) {
  AlignedVector<float> a(n), b(n), c(n);
  const double s = best_time(0.1, [&] { triad(n, a.data(), b.data(), c.data()); });
  return 1e-9 * 12 * static_cast<double>(n) / s;
}

}  // namespace

MachineRates measure_machine(Communicator& comm, Precision precision) {
  MachineRates rates;
  comm.barrier();
  rates.fma_gflops = fma_gflops();
  comm.barrier();
  rates.gemm_gflops = gemm_gflops(precision);
  comm.barrier();
  rates.stream_gb_s = triad_gb_s(std::size_t{1} << 23);  // 32 MiB each: past the caches of a core
  comm.barrier();
  rates.cache_gb_s = triad_gb_s(std::size_t{1} << 15);  // 128 KiB each
  for (double* rate : {&rates.fma_gflops, &rates.gemm_gflops, &rates.stream_gb_s, &rates.cache_gb_s})
    *rate = comm.sum(*rate) / comm.size();
  return rates;
}

double core_cache_bytes() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  if (const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0) return static_cast<double>(bytes);
#endif
  return 1 << 20;
}

Network measure_network(Communicator& comm) {
  // A message of nothing much, and one as large as the rows of a large batch: to the next rank and from the
  // one before.
  const auto exchange_s = [&](std::size_t floats, int rounds) {
    const auto world = static_cast<std::size_t>(comm.size()), rank = static_cast<std::size_t>(comm.rank());
    std::vector<int64_t> to(world, 0), from(world, 0);
    to[(rank + 1) % world] = from[(rank + world - 1) % world] = static_cast<int64_t>(floats);
    const std::vector<float> send(floats);
    std::vector<float> receive(floats);
    std::vector<double> seconds;
    for (int k = 0; k < rounds; ++k) {  // one after the other, as in a step: ranks wait for each other
      const double begin = now_s();
      comm.all_to_all_v(std::span<const float>(send), std::span<const int64_t>(to), std::span<float>(receive),
                        std::span<const int64_t>(from));
      seconds.push_back(now_s() - begin);
    }
    const auto middle = seconds.begin() + rounds / 2;
    std::nth_element(seconds.begin(), middle, seconds.end());
    return comm.max(*middle);
  };
  Network network;
  constexpr std::size_t large = std::size_t{1} << 18;
  const double small_s = exchange_s(1, 400), large_s = exchange_s(large, 40);
  network.latency_s = small_s;
  network.bytes_per_s = sizeof(float) * large / std::max(1e-9, large_s - small_s);
  return network;
}

}  // namespace ncf
