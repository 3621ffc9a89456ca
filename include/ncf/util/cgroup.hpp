#pragma once
/// What the control groups of this process allow it, as containers and batch systems set them.

#include <cstdint>
#include <optional>
#include <string>

namespace ncf {

struct CgroupLimits {
  std::optional<double> cpus;           // CPU seconds a second
  std::optional<int64_t> memory_bytes;  // of all processes of the group together
};

/// Of the group of this process and all above it, the tightest limits; nothing where there are none or they
/// cannot be read. Versions 1 and 2. `root` is where proc and sys are.
CgroupLimits cgroup_limits(const std::string& root = "");

}  // namespace ncf
