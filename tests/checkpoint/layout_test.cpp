#include "ncf/checkpoint/layout.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ncf {
namespace {

TEST(Layout, NamesOfStepsComeBack) {
  EXPECT_EQ(checkpoint_name(1250), "step-000001250");
  EXPECT_EQ(checkpoint_step("step-000001250"), 1250);
  EXPECT_EQ(checkpoint_step(checkpoint_name(0)), 0);
  EXPECT_EQ(checkpoint_step(checkpoint_name(12345678901)), 12345678901);
  EXPECT_EQ(shard_name(3, 8), "shard-0003-of-0008.h5");
}

TEST(Layout, OtherNamesAreNoSteps) {
  for (const auto* name :
       {"latest", "best", "step-", "step-1250", "step-000001250.partial", "step-00000125x", "xstep-000001250",
        "step-0000001250", "step--00000001", "step-99999999999999999999", ""})
    EXPECT_EQ(checkpoint_step(name), std::nullopt) << name;
}

TEST(Layout, RowsOfAllRanksAreTheTable) {
  for (int64_t rows = 0; rows < 20; ++rows)
    for (int64_t world = 1; world < 9; ++world) {
      int64_t sum = 0;
      for (int64_t rank = 0; rank < world; ++rank) sum += local_rows(rows, rank, world);
      EXPECT_EQ(sum, rows);
    }
}

TEST(Layout, EveryRowIsSharedByOneShardAndOneRank) {
  for (int64_t rows : {0, 1, 7, 25})
    for (int64_t world = 1; world <= 8; ++world)
      for (int64_t shards = 1; shards <= 8; ++shards) {
        std::vector<int> seen(static_cast<std::size_t>(rows));
        for (int64_t rank = 0; rank < world; ++rank)
          for (int64_t shard = 0; shard < shards; ++shard) {
            const auto s = shared_rows(rows, rank, world, shard, shards);
            for (int64_t k = 0; k < s.count; ++k) {
              const int64_t in_rank = (s.local_first + k * s.local_stride) * world + rank;
              const int64_t in_shard = (s.shard_first + k * s.shard_stride) * shards + shard;
              ASSERT_EQ(in_rank, in_shard);
              ASSERT_LT(in_rank, rows);
              ++seen[static_cast<std::size_t>(in_rank)];
            }
          }
        for (const int n : seen)
          ASSERT_EQ(n, 1) << rows << " rows, " << world << " ranks, " << shards << " shards";
      }
}

}  // namespace
}  // namespace ncf
