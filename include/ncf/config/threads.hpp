#pragma once
/// How many threads a rank computes with.

#include <cstdint>
#include <optional>

#include "ncf/config/allocation.hpp"
#include "ncf/config/config.hpp"

namespace ncf {

/// `run.threads`, or for `auto` this rank's share of the cores of its node, which has `node_size` ranks: of
/// those that affinity, SLURM and control groups leave them. At least 1.
int64_t resolve_threads(const RunConfig& run, int node_size);

/// The rule for `auto`: no more cores than this process may run on, nor than an equal share of those that the
/// launcher may run on.
int64_t threads_for(int64_t own_cores, int64_t launcher_cores, int node_size);

/// No more of `threads` than SLURM gives a rank, or than an equal share of what it gives the node, nor than
/// an equal share of the CPU time that control groups allow. At least 1.
int64_t threads_within(int64_t threads, int node_size, const Allocation& allocation,
                       std::optional<double> cgroup_cpus);

}  // namespace ncf
