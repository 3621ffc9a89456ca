#pragma once
/// What this machine can do at best, measured in a fraction of a second: the roofs under which a step works.

#include "ncf/comm/communicator.hpp"
#include "ncf/nn/gemm.hpp"

namespace ncf {

struct MachineRates {
  double fma_gflops = 0;   ///< fused multiply-adds in registers, one thread, the widest instructions
  double gemm_gflops = 0;  ///< a matrix product of a good shape for caches, all compute threads
  double stream_gb_s = 0;  ///< a[i] = b[i] + s * c[i] from memory, one thread, 12 bytes an element
  double cache_gb_s = 0;   ///< the same within the second cache
};

/// Of a rank while all others do the same, the mean over ranks; with as many threads as
/// set_compute_threads() said. `precision`: of the matrix product. Collective.
MachineRates measure_machine(Communicator& comm, Precision precision = Precision::fp32);

/// What it costs to say something to other ranks.
struct Network {
  double latency_s = 2e-6;               ///< of one message
  double bytes_per_s = 5e9;              ///< out of one rank
  double copy_bytes_per_s = 1e10;        ///< read and written to pack and unpack what is said
  double cache_copy_bytes_per_s = 5e10;  ///< the same where it fits the caches
  double cache_bytes = 0;                ///< of a core's own caches, which ranks that share it fill by turns
};

/// Of a core's second cache; 1 MiB where the system does not say.
double core_cache_bytes();

/// Between the ranks of this job, which are more than one. Collective.
Network measure_network(Communicator& comm);

}  // namespace ncf
