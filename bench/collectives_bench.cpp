// The collectives of a step, alone: mpirun -n 2 collectives_bench. The bytes are those each rank brings; the
// time is that of one call, the median of repetitions counts, since a busy machine delays whole repetitions.
#include <vector>

#include "on_all_ranks.hpp"

namespace {

using namespace ncf;
using bench::job;

void sizes(benchmark::internal::Benchmark* b) {
  for (const int64_t bytes : {1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22}) b->Arg(bytes);
  b->ArgName("bytes")->Iterations(100)->Repetitions(9)->DisplayAggregatesOnly()->UseRealTime();
  b->Unit(benchmark::kMicrosecond);
}

void finish(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// Gradients of the layers.
void all_reduce_sum(benchmark::State& state) {
  std::vector<float> values(static_cast<std::size_t>(state.range(0)) / sizeof(float));
  job->barrier();
  for (auto _ : state) job->all_reduce_sum(std::span<float>(values));
  finish(state);
}
BENCHMARK(all_reduce_sum)->Apply(sizes);

/// Rows and their gradients: every rank sends everyone as much.
void all_to_all_v(benchmark::State& state) {
  const auto world = static_cast<std::size_t>(job->size());
  const std::vector<int64_t> counts(world, state.range(0) / 4 / job->size());
  std::vector<float> send(static_cast<std::size_t>(counts[0]) * world), receive(send.size());
  const std::span<const int64_t> c(counts);
  job->barrier();
  for (auto _ : state) job->all_to_all_v(std::span<const float>(send), c, std::span<float>(receive), c);
  finish(state);
}
BENCHMARK(all_to_all_v)->Apply(sizes);

/// How many rows each rank will ask of each: the smallest exchange of a step.
void all_to_all_counts(benchmark::State& state) {
  std::vector<int64_t> send(static_cast<std::size_t>(job->size())), receive(send.size());
  job->barrier();
  for (auto _ : state) job->all_to_all(std::span<const int64_t>(send), std::span<int64_t>(receive));
}
BENCHMARK(all_to_all_counts)->Iterations(1000)->Repetitions(9)->DisplayAggregatesOnly()->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  return bench::run_on_all_ranks(argc, argv);
}
