// Products whose left operand has zeros, as ReLU leaves them: with their zeros multiplied, and skipped where
// that pays (nn/gemm.hpp). flops counts the zeros, too, so that both can be compared.
#include <benchmark/benchmark.h>

#include "ncf/nn/gemm.hpp"
#include "ncf/util/random.hpp"

namespace {

using namespace ncf;

/// So many numbers of 100 are not zero.
Matrix numbers(int64_t rows, int64_t cols, int64_t of_100) {
  Matrix m;
  m.reshape_aligned(rows, cols);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) {
      const double at =
          random_uniform(1, Purpose::synthetic, static_cast<uint64_t>(r), static_cast<uint64_t>(c));
      m.row(r)[c] = 100 * at < static_cast<double>(of_100) ? static_cast<float>(at) + 0.5F : 0;
    }
  return m;
}

/// samples × in units below, out units above: forward, and as the gradients of the inputs and of the weight
/// are.
void product(benchmark::State& state, Op op_a, Op op_b, Precision precision, Zeros in_a) {
  if (precision == Precision::bf16 && !has_bf16())
    return state.SkipWithError("this processor has no bfloat16 products");
  const int64_t m = state.range(0), k = state.range(1), n = state.range(2), density = state.range(3);
  const Matrix a = op_a == Op::none ? numbers(m, k, density) : numbers(k, m, density),
               b = op_b == Op::none ? numbers(k, n, 100) : numbers(n, k, 100);
  Matrix c;
  c.reshape_aligned(m, n);
  for (auto _ : state) {
    gemm(a.view(), op_a, b.view(), op_b, c.view(), op_a == Op::none ? 0.0F : 1.0F, precision, in_a);
    benchmark::ClobberMemory();
  }
  state.counters["flops"] =
      benchmark::Counter(2.0 * static_cast<double>(m * n * k), benchmark::Counter::kIsIterationInvariantRate,
                         benchmark::Counter::kIs1000);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "terms", "columns", "not_zero"});
  b->ArgsProduct({{256}, {100}, {50}, {25, 40, 50, 60, 70, 80}});
  b->ArgsProduct({{256}, {256}, {128}, {25, 40, 50, 60, 70, 80}});
}
void sums(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "terms", "columns", "not_zero"});
  b->ArgsProduct({{128}, {256}, {256}, {25, 40, 50, 60, 70, 80}});
}

BENCHMARK_CAPTURE(product, forward_all, Op::none, Op::transpose, Precision::fp32, Zeros::few)->Apply(shapes);
BENCHMARK_CAPTURE(product, forward_skip, Op::none, Op::transpose, Precision::fp32, Zeros::many)
    ->Apply(shapes);
BENCHMARK_CAPTURE(product, weight_all, Op::transpose, Op::none, Precision::fp32, Zeros::few)->Apply(sums);
BENCHMARK_CAPTURE(product, weight_skip, Op::transpose, Op::none, Precision::fp32, Zeros::many)->Apply(sums);
BENCHMARK_CAPTURE(product, forward_all_bf16, Op::none, Op::transpose, Precision::bf16, Zeros::few)
    ->Apply(shapes);
BENCHMARK_CAPTURE(product, forward_skip_bf16, Op::none, Op::transpose, Precision::bf16, Zeros::many)
    ->Apply(shapes);
BENCHMARK_CAPTURE(product, weight_all_bf16, Op::transpose, Op::none, Precision::bf16, Zeros::few)
    ->Apply(sums);
BENCHMARK_CAPTURE(product, weight_skip_bf16, Op::transpose, Op::none, Precision::bf16, Zeros::many)
    ->Apply(sums);

}  // namespace

BENCHMARK_MAIN();
