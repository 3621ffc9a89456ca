#include "ncf/config/allocation.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "ncf/util/cgroup.hpp"

namespace ncf {
namespace {

constexpr int64_t mebibyte = 1 << 20;

/// A variable that holds one positive integer; SLURM writes 0 for "all".
std::optional<int64_t> positive(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return {};
  const std::string_view view = text;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size() || value <= 0) return {};
  return value;
}

}  // namespace

Allocation slurm_allocation() {
  Allocation allocation;
  if (std::getenv("SLURM_JOB_ID") == nullptr) return allocation;
  allocation.cpus_per_rank = positive("SLURM_CPUS_PER_TASK");
  allocation.cpus = positive("SLURM_CPUS_ON_NODE");
  if (const auto node = positive("SLURM_MEM_PER_NODE"))
    allocation.memory_bytes = *node * mebibyte;
  else if (const auto cpu = positive("SLURM_MEM_PER_CPU"); cpu && allocation.cpus)
    allocation.memory_bytes = *cpu * *allocation.cpus * mebibyte;
  return allocation;
}

int64_t node_memory_bytes() {
  int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  if (const auto limit = cgroup_limits().memory_bytes) bytes = std::min(bytes, *limit);
  if (const auto limit = slurm_allocation().memory_bytes) bytes = std::min(bytes, *limit);
  return bytes;
}

}  // namespace ncf
