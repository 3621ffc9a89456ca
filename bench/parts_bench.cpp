// The parts of a step and of an epoch on one rank, each alone: products at the shapes of ML-100K's model with
// their GFLOP/s, the factored first layer beside the plain one, planning and gathering, optimiser rows, the
// permutation.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "ncf/comm/session.hpp"
#include "ncf/data/permutation.hpp"
#include "ncf/embed/row_exchange.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/factored_input.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/optimizer.hpp"

namespace {

using namespace ncf;

constexpr int64_t user_rows = 944, item_rows = 1635, user_cols = 74, item_cols = 101, units = 100;

Matrix filled(int64_t rows, int64_t cols) {
  Matrix m(rows, cols);
  m.fill(0.01F);
  return m;
}

/// Popularity falls off as a square, roughly as in MovieLens.
std::vector<int32_t> popular_ids(int64_t count, int64_t below, uint64_t stream) {
  std::vector<int32_t> ids(static_cast<std::size_t>(count));
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const double u = random_uniform(1, Purpose::synthetic, stream, k);
    ids[k] = static_cast<int32_t>(u * u * static_cast<double>(below));
  }
  return ids;
}

void count_flops(benchmark::State& state, double flops_each) {
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops_each * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void product(benchmark::State& state, Op op_a, Op op_b) {
  const int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  const Matrix a = op_a == Op::none ? filled(m, k) : filled(k, m);
  const Matrix b = op_b == Op::none ? filled(k, n) : filled(n, k);
  Matrix c = filled(m, n);
  for (auto _ : state) gemm(a.view(), op_a, b.view(), op_b, c.view());
  count_flops(state, 2.0 * static_cast<double>(m * k * n));
}
BENCHMARK_CAPTURE(product, forward, Op::none, Op::transpose)
    ->ArgNames({"m", "k", "n"})
    ->ArgsProduct({{64, 1024}, {175}, {100}})
    ->ArgsProduct({{64, 1024}, {100}, {50}});
BENCHMARK_CAPTURE(product, forward_transposed_copy, Op::none, Op::none)
    ->ArgNames({"m", "k", "n"})
    ->ArgsProduct({{64, 1024}, {175}, {100}})
    ->ArgsProduct({{64, 1024}, {100}, {50}});
BENCHMARK_CAPTURE(product, weight_gradient, Op::transpose, Op::none)
    ->ArgNames({"m", "k", "n"})
    ->ArgsProduct({{100}, {64, 1024}, {175}})
    ->ArgsProduct({{50}, {64, 1024}, {100}});

void plain_first_layer(benchmark::State& state) {
  const int64_t rows = state.range(0), in = user_cols + item_cols;
  const Matrix x = filled(rows, in), weight = filled(units, in);
  Matrix y(rows, units), dy = filled(rows, units), dx(rows, in), dweight(units, in);
  for (auto _ : state) {
    linear_relu_forward(x.view(), {weight.view()}, {}, y.view());
    relu_backward(y.view(), dy.view());
    linear_backward(x.view(), weight.view(), dy.view(), dweight.view(), {}, dx.view());
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(plain_first_layer)->Arg(1024)->Arg(8192);

void factored_first_layer(benchmark::State& state) {
  const int64_t samples = state.range(0), in = user_cols + item_cols;
  const Matrix users = filled(user_rows, user_cols), items = filled(item_rows, item_cols),
               weight = filled(units, in);
  const auto user_slots = popular_ids(samples, user_rows, 0), item_slots = popular_ids(samples, item_rows, 1);
  const int64_t bounds[] = {0, samples};
  BatchView batch;
  batch.users = users.view();
  batch.items = items.view();
  batch.user_slots = user_slots;
  batch.item_slots = item_slots;
  batch.bounds = bounds;
  Matrix y(samples, units), dweight(units, in);
  const Matrix dy = filled(samples, units);
  FactoredInput factored;
  for (auto _ : state) {
    factored.plan(batch, units);
    if (!factored.covers(0)) return state.SkipWithError("this batch is not factored");
    factored.project(batch, 0, {weight.view()}, {});
    factored.forward(0, y.view());
    factored.backward(0, y.view(), dy.view());
    factored.finish(0, weight.view(), dweight.view(), {});
  }
  state.SetItemsProcessed(state.iterations() * samples);
}
BENCHMARK(factored_first_layer)->Arg(1024)->Arg(8192);

/// What of the exchange there is without other ranks: sorting, deduplicating, gathering.
void plan_and_gather(benchmark::State& state) {
  const int64_t samples = state.range(0);
  Communicator comm = Communicator::self();
  const ShardMap alone;
  RowExchange exchange(alone, Granules::one_a_rank(1), {user_cols, item_cols});
  const auto users = popular_ids(samples, user_rows, 0), items = popular_ids(samples, item_rows, 1);
  const std::span<const int32_t> ids[] = {users, items};
  const Matrix user_table = filled(user_rows, user_cols), item_table = filled(item_rows, item_cols);
  const Matrix* const tables[] = {&user_table, &item_table};
  Matrix rows[2];
  for (auto _ : state) {
    exchange.plan(comm, ids);
    if (state.range(1) != 0) exchange.gather(comm, tables, rows);
  }
  state.SetItemsProcessed(state.iterations() * samples);
}
BENCHMARK(plan_and_gather)->ArgNames({"samples", "gather"})->ArgsProduct({{64, 1024, 8192}, {0, 1}});

void optimizer_row(benchmark::State& state) {
  const int64_t cols = state.range(0);
  constexpr int64_t rows = 1000;
  const UpdateRule rule{.weight_decay = 0.1};
  const StepFactors factors = step_factors(rule, {.lr = 1e-3, .momentum = 0.9}, 10);
  Matrix w = filled(rows, cols), m = filled(rows, cols), v = filled(rows, cols);
  const Matrix g = filled(rows, cols);
  for (auto _ : state)
    for (int64_t r = 0; r < rows; ++r) update(factors, true, cols, w.row(r), g.row(r), m.row(r), v.row(r));
  state.SetItemsProcessed(state.iterations() * rows);
  state.SetBytesProcessed(state.iterations() * rows * cols * 4 * 7);  // four read, three written
}
BENCHMARK(optimizer_row)->Arg(32)->Arg(101);

void permutation(benchmark::State& state) {
  const auto n = static_cast<uint64_t>(state.range(0));
  const Permutation order(n, 42, Purpose::epoch_order, 1);
  uint64_t index = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(order.forward(index));
    index = index + 1 == n ? 0 : index + 1;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(permutation)->Arg(80'000)->Arg(100'000'000);

}  // namespace

int main(int argc, char** argv) {
  set_open_mpi_defaults();
  MpiSession session(&argc, &argv);
  set_compute_threads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
