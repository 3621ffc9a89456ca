// One rank's training step at the shape of ML-100K, by model, batch size and row update; items a second are
// samples.
#include <benchmark/benchmark.h>

#include "ncf/comm/session.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/train/learner.hpp"
#include "ncf/util/random.hpp"

namespace {

using namespace ncf;

constexpr int64_t user_rows = 944, item_rows = 1635, batches = 16;

void step(benchmark::State& state, ModelKind kind, EmbeddingUpdate embedding_update, bool batch_norm,
          Reproducible reproducible = Reproducible::run, PrecisionKind precision = PrecisionKind::fp32) {
  Config config;
  config.model.kind = kind;
  if (kind == ModelKind::dot) config.model.embedding_dim = {50, 50};
  config.model.batch_norm = batch_norm;
  config.model.y_range = std::vector<double>{0, 5.5};
  config.train.embedding_update = embedding_update;
  config.train.reproducible = reproducible;
  config.train.precision = precision;
  if (precision == PrecisionKind::bf16 && !has_bf16())
    return state.SkipWithError("this processor has no bfloat16 products");
  config.train.schedule = ScheduleKind::constant;
  config.train.lr = 1e-4;
  const int64_t batch = state.range(0);
  Communicator comm = Communicator::self();
  Learner learner(config, {0, 1}, make_granules(config.train, 1), user_rows, item_rows,
                  make_schedule(config.train, 10'000'000, 1'000));
  std::vector<int32_t> users, items;
  std::vector<float> ratings;
  for (int64_t k = 0; k < batch * batches; ++k) {
    // Popularity falls off as a square, roughly as in MovieLens.
    const double u = random_uniform(1, Purpose::synthetic, 0, static_cast<uint64_t>(k));
    const double i = random_uniform(1, Purpose::synthetic, 1, static_cast<uint64_t>(k));
    users.push_back(static_cast<int32_t>(u * u * user_rows));
    items.push_back(static_cast<int32_t>(i * i * item_rows));
    ratings.push_back(static_cast<float>(1 + k % 5));
  }
  PhaseTimer timer;
  LossSum loss;
  int64_t done = 0;
  const Granules granules = make_granules(config.train, 1);
  std::vector<int64_t> bounds;
  for (int64_t g = 0; g <= granules.count; ++g) bounds.push_back(granules.sample(batch, g));
  for (auto _ : state) {
    const auto first = static_cast<std::size_t>(done % batches * batch), n = static_cast<std::size_t>(batch);
    learner.step(comm,
                 {std::span(users).subspan(first, n),
                  std::span(items).subspan(first, n),
                  std::span(ratings).subspan(first, n),
                  0,
                  batch,
                  {bounds.begin(), bounds.end()}},
                 done + 1, 0, loss, timer);
    ++done;
  }
  state.SetItemsProcessed(done * batch);
  for (std::size_t p = 0; p < phase_names.size(); ++p)
    if (timer.seconds()[p] > 0)
      state.counters[phase_names[p]] = benchmark::Counter(
          timer.seconds()[p] * 1e6 / static_cast<double>(done), benchmark::Counter::kDefaults);
}

BENCHMARK_CAPTURE(step, neural_lazy, ModelKind::neural, EmbeddingUpdate::lazy, false)
    ->Arg(64)
    ->Arg(1024)
    ->Arg(8192);
BENCHMARK_CAPTURE(step, neural_lazy_fixed_order, ModelKind::neural, EmbeddingUpdate::lazy, false,
                  Reproducible::ranks)
    ->Arg(64)
    ->Arg(1024)
    ->Arg(8192);
BENCHMARK_CAPTURE(step, neural_lazy_bf16, ModelKind::neural, EmbeddingUpdate::lazy, false, Reproducible::run,
                  PrecisionKind::bf16)
    ->Arg(64)
    ->Arg(1024)
    ->Arg(8192);
BENCHMARK_CAPTURE(step, neural_dense, ModelKind::neural, EmbeddingUpdate::dense, false)
    ->Arg(64)
    ->Arg(1024)
    ->Arg(8192);
BENCHMARK_CAPTURE(step, neural_batch_norm, ModelKind::neural, EmbeddingUpdate::dense, true)
    ->Arg(64)
    ->Arg(1024);
BENCHMARK_CAPTURE(step, dot_lazy, ModelKind::dot, EmbeddingUpdate::lazy, false)->Arg(64)->Arg(1024);

}  // namespace

int main(int argc, char** argv) {
  set_open_mpi_defaults();
  MpiSession session(&argc, &argv);
  set_compute_threads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
