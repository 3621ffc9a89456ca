#include "ncf/config/allocation.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <map>
#include <string>

namespace ncf {
namespace {

constexpr int64_t mebibyte = 1 << 20;

/// Sets SLURM's variables for one test, and none else of them.
class AllocationOfSlurm : public ::testing::Test {
 protected:
  AllocationOfSlurm() { clear(); }
  ~AllocationOfSlurm() override { clear(); }
  void clear() {
    for (const char* name : {"SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE",
                             "SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU"})
      unsetenv(name);
  }
  void set(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
};

TEST_F(AllocationOfSlurm, NothingOutsideOfAJob) {
  set({{"SLURM_CPUS_PER_TASK", "4"}, {"SLURM_MEM_PER_NODE", "100"}});  // a user's settings for sbatch
  EXPECT_FALSE(slurm_allocation().cpus_per_rank);
  EXPECT_FALSE(slurm_allocation().memory_bytes);
}

TEST_F(AllocationOfSlurm, CpusAndMemory) {
  set({{"SLURM_JOB_ID", "7"},
       {"SLURM_CPUS_PER_TASK", "4"},
       {"SLURM_CPUS_ON_NODE", "16"},
       {"SLURM_MEM_PER_CPU", "100"}});
  EXPECT_EQ(slurm_allocation().cpus_per_rank, 4);
  EXPECT_EQ(slurm_allocation().cpus, 16);
  EXPECT_EQ(slurm_allocation().memory_bytes, 1600 * mebibyte);
  set({{"SLURM_MEM_PER_NODE", "300"}});
  EXPECT_EQ(slurm_allocation().memory_bytes, 300 * mebibyte);
  EXPECT_EQ(node_memory_bytes(), 300 * mebibyte);
}

TEST_F(AllocationOfSlurm, WhatIsNoNumberOrAllOfTheNodeLimitsNothing) {
  const int64_t machine = node_memory_bytes();
  EXPECT_GT(machine, 0);
  set({{"SLURM_JOB_ID", "7"}, {"SLURM_MEM_PER_NODE", "0"}, {"SLURM_CPUS_PER_TASK", "4x"}});
  EXPECT_FALSE(slurm_allocation().memory_bytes);
  EXPECT_FALSE(slurm_allocation().cpus_per_rank);
  EXPECT_EQ(node_memory_bytes(), machine);
}

}  // namespace
}  // namespace ncf
