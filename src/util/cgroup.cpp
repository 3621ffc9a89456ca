#include "ncf/util/cgroup.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

namespace ncf {
namespace {

/// Version 1 says "no limit" as the largest number of pages.
constexpr double unlimited_bytes = 1LL << 60;

std::string first_line(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

std::optional<double> number(const std::string& text) {
  std::istringstream in(text);
  double value = 0;
  if (in >> value) return value;
  return {};
}

template <class T>
void tighten(std::optional<T>& limit, const std::optional<double>& other) {
  if (other) limit = limit ? std::min(*limit, static_cast<T>(*other)) : static_cast<T>(*other);
}

/// "QUOTA PERIOD" in microseconds, as CPUs; "max" and negative quotas limit nothing.
std::optional<double> cpus_of(const std::string& quota_and_period) {
  std::istringstream in(quota_and_period);
  double quota = 0, period = 0;
  if (in >> quota >> period && quota > 0 && period > 0) return quota / period;
  return {};
}

std::optional<double> bytes_of(const std::string& text) {
  const auto bytes = number(text);
  return bytes && *bytes < unlimited_bytes ? bytes : std::nullopt;
}

/// Visits mount/group and every group above it. In a container the upper part of the name may lead nowhere.
void each_group(const std::string& mount, std::string group,
                const std::function<void(const std::string&)>& visit) {
  while (!group.empty() && group != "/") {
    visit(mount + group);
    group.resize(group.rfind('/'));
  }
  visit(mount);
}

}  // namespace

CgroupLimits cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  const std::string mounts = root + "/sys/fs/cgroup";
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // NUMBER:CONTROLLERS:GROUP
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || line.compare(second + 1, 1, "/") != 0) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1), list = "," + controllers + ",";
    if (controllers.empty()) {
      each_group(mounts, group, [&](const std::string& at) {
        tighten(limits.cpus, cpus_of(first_line(at + "/cpu.max")));
        tighten(limits.memory_bytes, bytes_of(first_line(at + "/memory.max")));
      });
    } else if (list.find(",cpu,") != std::string::npos) {
      each_group(mounts + "/" + controllers, group, [&](const std::string& at) {
        tighten(limits.cpus,
                cpus_of(first_line(at + "/cpu.cfs_quota_us") + " " + first_line(at + "/cpu.cfs_period_us")));
      });
    } else if (list.find(",memory,") != std::string::npos) {
      each_group(mounts + "/" + controllers, group, [&](const std::string& at) {
        tighten(limits.memory_bytes, bytes_of(first_line(at + "/memory.limit_in_bytes")));
      });
    }
  }
  return limits;
}

}  // namespace ncf
