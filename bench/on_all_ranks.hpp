#pragma once
/// main() of benchmarks that also run under mpirun: the root reports. Every rank must do the same rounds, so
/// such benchmarks fix their Iterations().
#include <benchmark/benchmark.h>

#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/session.hpp"

namespace ncf::bench {

/// The ranks of the job, while run_on_all_ranks() runs.
inline Communicator* job = nullptr;

class Silent : public ::benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

inline int run_on_all_ranks(int argc, char** argv) {
  set_open_mpi_defaults();
  MpiSession session(&argc, &argv);
  Communicator comm = Communicator::world();
  job = &comm;
  ::benchmark::Initialize(&argc, argv);
  Silent silent;
  comm.is_root() ? ::benchmark::RunSpecifiedBenchmarks() : ::benchmark::RunSpecifiedBenchmarks(&silent);
  return 0;
}

}  // namespace ncf::bench
