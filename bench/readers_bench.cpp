// Ratings on their way in, on one rank: drawn, written as a prepared data set and read back, read from text,
// and made into samples. Items a second are ratings.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ncf/comm/session.hpp"
#include "ncf/data/dataset_file.hpp"
#include "ncf/data/synthetic.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"

namespace {

using namespace ncf;
namespace fs = std::filesystem;

SyntheticConfig shape() {
  SyntheticConfig config;
  config.users = 200'000, config.items = 20'000, config.ratings = 2'000'000;
  return config;
}

const Dataset& example() {
  static const Dataset dataset = synthetic_dataset(shape(), 42, {});
  return dataset;
}

/// A file that is there while a benchmark runs.
struct File {
  fs::path path;
  explicit File(const char* ending)
      : path(fs::temp_directory_path() / ("ncf-bench-" + std::to_string(::getpid()) + ending)) {}
  ~File() { fs::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

void write(const fs::path& path) {
  begin_dataset_file(path, example(), {.times = true, .valid = false}, {});
  add_ratings(path, example().part);
  finish_dataset_file(path);
}

void finish(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * shape().ratings);
}

void synthetic(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(synthetic_dataset(shape(), 42, {}).part.items.data());
  finish(state);
}
BENCHMARK(synthetic)->Unit(benchmark::kMillisecond);

void write_prepared(benchmark::State& state) {
  const File file(".h5");
  for (auto _ : state) write(file.path);
  finish(state);
}
BENCHMARK(write_prepared)->Unit(benchmark::kMillisecond);

void read_prepared(benchmark::State& state) {
  const File file(".h5");
  write(file.path);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        read_dataset_file(file.path, {}, {.times = false, .valid = false}).part.items.data());
  finish(state);
}
BENCHMARK(read_prepared)->Unit(benchmark::kMillisecond);

void read_text(benchmark::State& state) {
  const File file(".csv");
  {
    std::ofstream out(file.path);
    out << "user,item,rating,timestamp\n";
    const RatingsPart& part = example().part;
    for (int64_t u = 0; u < part.users(); ++u)
      for (auto i = static_cast<std::size_t>(part.offsets[static_cast<std::size_t>(u)]);
           i < static_cast<std::size_t>(part.offsets[static_cast<std::size_t>(u) + 1]); ++i)
        out << u << ',' << part.items[i] << ',' << part.values[i] << ',' << part.times[i] << '\n';
  }
  Communicator comm = Communicator::self();
  DataConfig config;
  config.path = file.path;
  for (auto _ : state) benchmark::DoNotOptimize(load_dataset(config, 42, comm).part.items.data());
  finish(state);
}
BENCHMARK(read_text)->Unit(benchmark::kMillisecond);

void split_and_number(benchmark::State& state) {
  Communicator comm = Communicator::self();
  for (auto _ : state)
    benchmark::DoNotOptimize(make_training_data(example(), DataConfig{}, 42, comm).train.rows.data());
  finish(state);
}
BENCHMARK(split_and_number)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  set_open_mpi_defaults();
  MpiSession session(&argc, &argv);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
