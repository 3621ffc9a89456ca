#include "ncf/util/cgroup.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

class Cgroup : public ::testing::Test {
 protected:
  void file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  CgroupLimits limits() const { return cgroup_limits(root_.path()); }
  const testing::TemporaryDirectory root_;
};

TEST_F(Cgroup, Version2TheTightestOfAllGroupsAbove) {
  file("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  file("sys/fs/cgroup/slurm/cpu.max", "1600000 100000\n");
  file("sys/fs/cgroup/slurm/job_7/cpu.max", "250000 100000\n");
  file("sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "max 100000\n");
  file("sys/fs/cgroup/slurm/job_7/memory.max", "2147483648\n");
  file("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
  EXPECT_EQ(limits().cpus, 2.5);
  EXPECT_EQ(limits().memory_bytes, int64_t{1} << 31);
}

TEST_F(Cgroup, Version1HasAFolderAController) {
  file("proc/self/cgroup", "9:name=systemd:/\n4:memory:/job\n2:cpu,cpuacct:/job\n1:cpuset:/\n");
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1048576\n");
  file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(limits().cpus, 3.0);
  EXPECT_EQ(limits().memory_bytes, 1048576);
}

TEST_F(Cgroup, InAContainerTheGroupMayBeOutOfSight) {
  file("proc/self/cgroup", "0::/docker/0123\n");
  file("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(limits().cpus, 0.5);
}

TEST_F(Cgroup, NoLimits) {
  EXPECT_FALSE(limits().cpus);
  file("proc/self/cgroup", "0::/\n4:memory:/\n2:cpu:/\nnonsense\n5:pids\n");
  file("sys/fs/cgroup/cpu.max", "max 100000\n");
  file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(limits().cpus);
  EXPECT_FALSE(limits().memory_bytes);
}

}  // namespace
}  // namespace ncf
