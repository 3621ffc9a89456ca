#include "ncf/util/log.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace ncf {
namespace {

std::string said(const std::function<void()>& speak) {
  testing::internal::CaptureStderr();
  speak();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, AloneSaysNoRank) {
  start_log(0, 1, "node1");
  EXPECT_EQ(said([] { log_warning("careful"); }), "ncf_dist: warning: careful\n");
  EXPECT_EQ(said([] { log_error("a {} b"); }), "ncf_dist: error: a {} b\n");
  EXPECT_EQ(said([] { log_rank_warning("careful"); }), "ncf_dist: warning: careful\n");
  EXPECT_EQ(said([] { log_rank_error("broken"); }), "ncf_dist: error: broken\n");
}

TEST(Log, WhatAllKnowIsSaidByRankZeroOnly) {
  start_log(0, 8, "node1");
  EXPECT_EQ(said([] { log_error("broken"); }), "ncf_dist: error: broken\n");
  start_log(3, 8, "node2");
  EXPECT_EQ(said([] { log_error("broken"); }), "");
  EXPECT_EQ(said([] { log_warning("careful"); }), "");
}

TEST(Log, WhatOneRankKnowsIsSaidWithItsNumber) {
  start_log(3, 8, "node2");
  EXPECT_EQ(said([] { log_rank_error("broken"); }), "ncf_dist: error on rank 3 of 8 (node2): broken\n");
  EXPECT_EQ(said([] { log_rank_warning("careful"); }), "ncf_dist: warning on rank 3 of 8 (node2): careful\n");
}

}  // namespace
}  // namespace ncf
