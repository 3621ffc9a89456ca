#include "ncf/config/threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>

namespace ncf {
namespace {

TEST(Threads, RanksShareAnUnboundNode) {
  EXPECT_EQ(threads_for(32, 32, 1), 32);
  EXPECT_EQ(threads_for(32, 32, 8), 4);
  EXPECT_EQ(threads_for(32, 32, 5), 6);
}

TEST(Threads, ABoundRankUsesItsOwnCores) {
  EXPECT_EQ(threads_for(1, 32, 2), 1);   // bound to a core each
  EXPECT_EQ(threads_for(4, 32, 8), 4);   // bound to four cores each
  EXPECT_EQ(threads_for(16, 32, 8), 4);  // bound to a socket of 16 cores, four ranks on each
  EXPECT_EQ(threads_for(1, 32, 1), 1);   // taskset
}

TEST(Threads, ThereIsAlwaysOne) {
  EXPECT_EQ(threads_for(2, 2, 8), 1);
  EXPECT_EQ(threads_for(0, 0, 1), 1);
  EXPECT_EQ(threads_for(4, 0, 0), 4);
}

TEST(Threads, WhatSlurmGivesARankIsEnough) {
  EXPECT_EQ(threads_within(32, 2, {.cpus_per_rank = 4, .cpus = 8, .memory_bytes = {}}, {}), 4);
  EXPECT_EQ(threads_within(32, 2, {.cpus_per_rank = {}, .cpus = 8, .memory_bytes = {}}, {}), 4);
  EXPECT_EQ(threads_within(2, 2, {.cpus_per_rank = 4, .cpus = 8, .memory_bytes = {}}, {}), 2);
  EXPECT_EQ(threads_within(32, 16, {.cpus_per_rank = {}, .cpus = 8, .memory_bytes = {}}, {}), 1);
}

TEST(Threads, ControlGroupsLimitTheCpuTimeOfAllRanks) {
  EXPECT_EQ(threads_within(32, 2, {}, 6.5), 3);
  EXPECT_EQ(threads_within(32, 2, {}, 0.5), 1);
  EXPECT_EQ(threads_within(32, 0, {}, {}), 32);
}

TEST(Threads, ANumberIsTaken) {
  RunConfig seven;
  seven.threads = 7;
  EXPECT_EQ(resolve_threads(seven, 100), 7);
}

TEST(Threads, AutoKeepsToTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_LE(resolve_threads({}, 1), CPU_COUNT(&before));
  int core = 0;
  while (!CPU_ISSET(core, &before)) ++core;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(resolve_threads({}, 1), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace ncf
