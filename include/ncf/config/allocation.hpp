#pragma once
/// What SLURM gave this job on this node, as its environment tells.

#include <cstdint>
#include <optional>

namespace ncf {

/// All empty outside of SLURM.
struct Allocation {
  std::optional<int64_t> cpus_per_rank;  // --cpus-per-task
  std::optional<int64_t> cpus;           // on this node
  std::optional<int64_t> memory_bytes;   // on this node
};

Allocation slurm_allocation();

/// Bytes that the processes of this job may use on this node: what SLURM, control groups and the machine
/// leave.
int64_t node_memory_bytes();

}  // namespace ncf
