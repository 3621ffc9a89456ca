// The order of an epoch and the samples' way into it: the permutation an index or a block at a time, and what
// a rank needs to have the samples of its steps at hand. Also under mpirun: every rank does the same number
// of rounds, the root reports; items a second are those of one rank.
#include <numeric>

#include "ncf/data/permutation.hpp"
#include "ncf/train/due_samples.hpp"
#include "ncf/train/epoch_samples.hpp"
#include "on_all_ranks.hpp"

namespace {

using namespace ncf;
using bench::job;

void permutation_one(benchmark::State& state) {
  const auto n = static_cast<uint64_t>(state.range(0));
  const Permutation order(n, 42, Purpose::epoch_order, 1);
  uint64_t index = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(order.inverse(index));
    index = index + 1 == n ? 0 : index + 1;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(permutation_one)->Arg(80'000)->Arg(100'000'000);

void permutation_block(benchmark::State& state) {
  const Permutation order(static_cast<uint64_t>(state.range(0)), 42, Purpose::epoch_order, 1);
  std::vector<uint64_t> indices(4096);
  std::iota(indices.begin(), indices.end(), uint64_t{0});
  for (auto _ : state) order.inverse(indices);
  state.SetItemsProcessed(state.iterations() * std::ssize(indices));
}
BENCHMARK(permutation_block)->Arg(80'000)->Arg(100'000'000);

/// What a rank notes at the start of an epoch of more than one window.
void due_samples(benchmark::State& state) {
  const auto here = static_cast<uint64_t>(state.range(0)), world = uint64_t{2};
  const Permutation order(world * here, 42, Purpose::epoch_order, 1);
  DueSamples due;
  for (auto _ : state) due.begin(order, here, here, {8192, world * here / 8192, 16});
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(here));
}
BENCHMARK(due_samples)->Arg(80'000)->Arg(40'000'000)->Unit(benchmark::kMillisecond);

/// All steps of an epoch of this many samples a rank, at this global batch size: dealt by position, or to the
/// owners of the users.
template <EpochSamples::Order order>
void epoch_exchange(benchmark::State& state) {
  const int64_t here = state.range(0), world = job->size();
  Samples train;
  train.first = here * job->rank();
  train.total = here * world;
  train.rows.resize(static_cast<std::size_t>(here));
  for (int64_t k = 0; k < here; ++k)
    train.rows[static_cast<std::size_t>(k)] = {static_cast<int32_t>((train.first + k) / 85),
                                               static_cast<int32_t>(k / 2), 1};
  EpochSamples samples({train.total, state.range(1), false}, Granules::of_each_rank(world), 42, order);
  samples.share_memory(*job);
  int64_t epoch = 0, seen = 0;
  for (auto _ : state) {
    samples.begin(*job, train, epoch++);
    for (int64_t s = 0; s < samples.shape().steps(); ++s)
      seen += std::ssize(samples.part(*job, train, s).users);
  }
  state.SetItemsProcessed(seen);
}
void shape(benchmark::internal::Benchmark* of) {
  of->ArgNames({"samples", "batch"})
      ->Repetitions(3)
      ->DisplayAggregatesOnly()
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}
/// The first: MovieLens-100K on two ranks, which is one window.
void small(benchmark::internal::Benchmark* of) {
  shape(of);
  of->Args({40'000, 8192})->Args({80'000, 64})->Args({80'000, 8192})->Iterations(100);
}
void large(benchmark::internal::Benchmark* of) {
  shape(of);
  of->Args({40'000'000, 8192})->Iterations(3);
}
BENCHMARK(epoch_exchange<EpochSamples::Order::by_user>)->Apply(small);
BENCHMARK(epoch_exchange<EpochSamples::Order::by_user>)->Apply(large);
BENCHMARK(epoch_exchange<EpochSamples::Order::with_owner>)->Apply(small);
BENCHMARK(epoch_exchange<EpochSamples::Order::with_owner>)->Apply(large);

}  // namespace

int main(int argc, char** argv) {
  return bench::run_on_all_ranks(argc, argv);
}
