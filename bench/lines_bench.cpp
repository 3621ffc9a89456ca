// What it takes to write memory that another core has read, and to read what another core has written: what
// two ranks of one host pay for gradients and rows in shared memory, and how far apart their cores are. The
// two threads stay on the first two processors that they may use.
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "ncf/util/pages.hpp"

namespace {

using Clock = std::chrono::steady_clock;

cpu_set_t allowed() {
  cpu_set_t may;
  CPU_ZERO(&may);
  sched_getaffinity(0, sizeof may, &may);
  return may;
}

std::vector<int> processors(const cpu_set_t& may) {
  std::vector<int> out;
  for (int c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &may)) out.push_back(c);
  return out;
}

void stay_on(int processor) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(processor, &only);
  pthread_setaffinity_np(pthread_self(), sizeof only, &only);
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// By turns one thread writes the values and the other adds them up; what is timed is the one or the other.
template <bool writing>
void lines_of_another_core(benchmark::State& state) {
  const cpu_set_t before = allowed();
  const std::vector<int> where = processors(before);
  if (where.size() < 2) return state.SkipWithError("one processor only");
  ncf::AlignedVector<float> values(static_cast<std::size_t>(state.range(0)) * 16);
  std::atomic<int> turn = 0;  // 0: to write, 1: to read, 2: the end
  double reading_s = 0;
  std::thread reader([&] {
    stay_on(where[1]);
    for (;;) {
      int whose;
      while ((whose = turn.load(std::memory_order_acquire)) == 0) {
      }
      if (whose == 2) return;
      const auto begin = Clock::now();
      float sums[16] = {};
      for (std::size_t k = 0; k < values.size(); k += 16)
        for (std::size_t j = 0; j < 16; ++j) sums[j] += values[k + j];
      benchmark::DoNotOptimize(sums);
      reading_s = seconds_since(begin);
      turn.store(0, std::memory_order_release);
    }
  });
  stay_on(where[0]);
  float value = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    value += 1;
    for (float& v : values) v = value;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const double writing_s = seconds_since(begin);
    turn.store(1, std::memory_order_release);
    while (turn.load(std::memory_order_acquire) != 0) {
    }
    state.SetIterationTime(writing ? writing_s : reading_s);
  }
  turn.store(2, std::memory_order_release);
  reader.join();
  pthread_setaffinity_np(pthread_self(), sizeof before, &before);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
/// 1,440 lines are the gradients of MovieLens-100K's layers.
BENCHMARK(lines_of_another_core<true>)
    ->Name("write_lines_read_elsewhere")
    ->Arg(1440)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(lines_of_another_core<false>)
    ->Name("read_lines_written_elsewhere")
    ->Arg(1440)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
