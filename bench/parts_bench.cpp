// The parts of a step and of an epoch on one rank, each alone: products at the shapes of ML-100K's model with
// their GFLOP/s, the first layer by rows beside the plain one, planning, optimiser rows.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>

#include "ncf/comm/session.hpp"
#include "ncf/embed/row_exchange.hpp"
#include "ncf/embed/row_sums.hpp"
#include "ncf/embed/row_table.hpp"
#include "ncf/model/row_projection.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/optimizer.hpp"
#include "ncf/nn/sum_relu.hpp"
#include "ncf/nn/unit.hpp"
#include "ncf/util/random.hpp"

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
    linear_forward(x.view(), {weight.view()}, y.view());
    add_bias_relu({}, y.view());
    relu_backward(y.view(), dy.view(), {});
    linear_backward(x.view(), weight.view(), dy.view(), dweight.view(), dx.view());
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(plain_first_layer)->Arg(64)->Arg(1024)->Arg(8192);

/// Planning included: which rows are projected is known only then.
void first_layer_by_rows(benchmark::State& state) {
  const int64_t samples = state.range(0);
  DenseParameters parameters;
  const std::size_t segment = parameters.add("/w", {units, user_cols + item_cols}, true);
  parameters.set_granules(1);
  WorkerPool pool(1);
  Communicator comm = Communicator::self();
  RowExchange exchange({}, {}, std::array{user_rows, item_rows}, pool);
  const Matrix tables[] = {filled(user_rows, user_cols), filled(item_rows, item_cols)};
  const auto users = popular_ids(samples, user_rows, 0), items = popular_ids(samples, item_rows, 1);
  const std::span<const int32_t> ids[] = {users, items};
  const int64_t bounds[] = {0, samples}, first_column[] = {0, user_cols};
  std::array<Matrix, 2> projected, totals, gradients;
  std::array<RowSums, 2> sums;
  Matrix y(samples, units);
  const Matrix dy = filled(samples, units);
  for (auto _ : state) {
    exchange.plan(comm, ids);
    for (std::size_t t = 0; t < 2; ++t) {
      const TableRoutes& routes = exchange.routes(t);
      projected[t].reshape(routes.unique(), units);
      project_rows({tables[t].view().rows_from(0, routes.unique()), routes.class_bounds()},
                   ForwardWeight{parameters.matrix(segment)}.inputs(first_column[t], tables[t].cols()), {},
                   projected[t].view(), pool);
      totals[t].reshape_aligned(routes.unique(), units);
      sums[t].begin(routes.slots(), bounds, totals[t].view());
    }
    sum_relu_forward(projected[0].view(), projected[1].view(), exchange.routes(0).slots(),
                     exchange.routes(1).slots(), y.view());
    sum_relu_backward(y.view(), dy.view(), {sums[0].terms(), sums[0].first()},
                      {sums[1].terms(), sums[1].first()}, sums[0].values(), sums[1].values());
    for (std::size_t t = 0; t < 2; ++t) {
      const TableRoutes& routes = exchange.routes(t);
      gradients[t].reshape(routes.unique(), tables[t].cols());
      sums[t].finish(pool);
      project_rows_backward({tables[t].view().rows_from(0, routes.unique()), routes.class_bounds()},
                            totals[t].view(), {}, parameters, segment, first_column[t], nullptr,
                            gradients[t].view(), pool);
    }
  }
  state.SetItemsProcessed(state.iterations() * samples);
}
BENCHMARK(first_layer_by_rows)->Arg(64)->Arg(1024)->Arg(8192);

/// What of the exchange there is without other ranks: which rows a batch needs.
void plan(benchmark::State& state) {
  const int64_t samples = state.range(0);
  WorkerPool pool(1);
  Communicator comm = Communicator::self();
  RowExchange exchange({}, {}, std::array{user_rows, item_rows}, pool);
  const auto users = popular_ids(samples, user_rows, 0), items = popular_ids(samples, item_rows, 1);
  const std::span<const int32_t> ids[] = {users, items};
  for (auto _ : state) exchange.plan(comm, ids);
  state.SetItemsProcessed(state.iterations() * samples);
}
BENCHMARK(plan)->Arg(64)->Arg(1024)->Arg(8192);

/// A row that no batch used for some steps of a dense optimiser.
void idle_row(benchmark::State& state) {
  constexpr int64_t cols = 100;
  const UpdateRule rule{.weight_decay = 0.1};
  Matrix w = filled(1, cols), m = filled(1, cols), v = filled(1, cols);
  v.fill(0.5F);
  for (auto _ : state) {
    m.fill(0.5F);
    IdleSteps idle;
    const StepFactors f = step_factors(rule, {.lr = 1e-3, .momentum = 0.9}, 10);
    idle.begin(f);
    for (int64_t t = 0; t < state.range(0); ++t) idle.add(f);
    idle.apply(0.99, 0.9, cols, w.row(0), m.row(0), v.row(0));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(idle_row)->Arg(1)->Arg(16)->Arg(128);

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

}  // namespace

int main(int argc, char** argv) {
  set_open_mpi_defaults();
  MpiSession session(&argc, &argv);
  set_compute_threads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
