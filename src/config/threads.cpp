#include "ncf/config/threads.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "ncf/util/cgroup.hpp"

namespace ncf {
namespace {

/// Cores in the affinity mask of a process (0: this one), or 0 when it cannot be read.
int64_t cores_of(pid_t process) {
  for (int cores = 1024; cores <= 1 << 20; cores *= 4) {  // the kernel refuses masks smaller than its own
    const std::size_t bytes = CPU_ALLOC_SIZE(cores);
    std::vector<cpu_set_t> mask(bytes / sizeof(cpu_set_t));
    if (sched_getaffinity(process, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
  }
  return 0;
}

}  // namespace

int64_t threads_for(int64_t own_cores, int64_t launcher_cores, int node_size) {
  const int64_t share = std::max(own_cores, launcher_cores) / std::max(1, node_size);
  return std::max<int64_t>(1, std::min(own_cores, share));
}

int64_t threads_within(int64_t threads, int node_size, const Allocation& allocation,
                       std::optional<double> cgroup_cpus) {
  const int ranks = std::max(1, node_size);
  if (allocation.cpus_per_rank)
    threads = std::min(threads, *allocation.cpus_per_rank);
  else if (allocation.cpus)
    threads = std::min(threads, *allocation.cpus / ranks);
  if (cgroup_cpus) threads = std::min(threads, static_cast<int64_t>(*cgroup_cpus) / ranks);
  return std::max<int64_t>(1, threads);
}

int64_t resolve_threads(const RunConfig& run, int node_size) {
  if (run.threads > 0) return run.threads;
  // A launcher may bind each rank to cores of its own, or several ranks to one socket, or none to anything;
  // from inside they look alike. The launcher itself, this process's parent, is not bound.
  return threads_within(threads_for(cores_of(0), cores_of(getppid()), node_size), node_size,
                        slurm_allocation(), cgroup_limits().cpus);
}

}  // namespace ncf
