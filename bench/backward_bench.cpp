// The way back through the output unit, its ReLU and that ReLU's linear layer: by matrix products, and by
// tables of sums (nn/gated_backward.hpp). Items a second are samples; half of the units are on.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>

#include "ncf/nn/gated_backward.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/nn/unit.hpp"
#include "ncf/util/random.hpp"

namespace {

using namespace ncf;

struct Layer {
  Matrix x, y, dy, dx, weight, dweight;
  std::vector<float> unit_weight, dunit_weight, dbias, dz;
  float dunit_bias = 0;

  Layer(int64_t rows, int64_t in, int64_t units)
      : unit_weight(static_cast<std::size_t>(units), 0.5F),
        dunit_weight(unit_weight.size()),
        dbias(unit_weight.size()),
        dz(static_cast<std::size_t>(rows), 0.01F) {
    weight.reshape(units, in);
    dweight.reshape(units, in);
    std::ranges::fill(weight.values(), 0.01F);
    x.reshape_aligned(rows, in);
    y.reshape_aligned(rows, units);
    dy.reshape_aligned(rows, units);
    dx.reshape_aligned(rows, in);
    x.fill(0.25F);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < units; ++j)
        y.row(r)[j] =
            std::max(0.0F, static_cast<float>(random_uniform(1, Purpose::synthetic, static_cast<uint64_t>(r),
                                                             static_cast<uint64_t>(j))) -
                               0.5F);
  }
};

void by_products(benchmark::State& state, Precision precision) {
  if (precision == Precision::bf16 && !has_bf16())
    return state.SkipWithError("this processor has no bfloat16 products");
  Layer l(state.range(0), state.range(1), state.range(2));
  for (auto _ : state) {
    unit_relu_backward(l.y.view(), l.unit_weight, l.dz, l.dunit_weight, l.dunit_bias, l.dy.view(), l.dbias);
    linear_backward(l.x.view(), l.weight.view(), l.dy.view(), l.dweight.view(), l.dx.view(), precision);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void by_tables(benchmark::State& state) {
  Layer l(state.range(0), state.range(1), state.range(2));
  std::vector<uint64_t> gates;
  for (auto _ : state) {
    l.dunit_bias = std::reduce(l.dz.begin(), l.dz.end(), l.dunit_bias);
    gated_backward({l.weight.view(), l.unit_weight}, l.x.view(), l.y.view(), l.dz,
                   {l.dweight.view(), l.dbias, l.dunit_weight}, l.dx.view(), gates);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"samples", "in", "units"})
      ->ArgsProduct({{16, 32, 64, 256}, {100}, {50}})
      ->ArgsProduct({{256}, {128}, {64}});
  b->Args({256, 256, 128});
}

BENCHMARK_CAPTURE(by_products, fp32, Precision::fp32)->Apply(shapes);
BENCHMARK_CAPTURE(by_products, bf16, Precision::bf16)->Apply(shapes);
BENCHMARK(by_tables)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
