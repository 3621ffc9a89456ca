#include "ncf/train/telling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ncf {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(WillNotFit, SaysSoWhenTheLimitComesFirst) {
  EXPECT_EQ(will_not_fit(7200, 3600, "the end of the SLURM job", 60, 1000),
            "about 2:00:00 of training are left, and 1:00:00 until the end of the SLURM job: it will not "
            "fit. The run "
            "will save and stop ahead of it (exit code 75), to be continued with --resume");
  EXPECT_THAT(will_not_fit(100, -3, "run.stop_before 00:10:00", 600, 1000),
              HasSubstr("and 0:00 until run.stop_before 00:10:00"));
}

TEST(WillNotFit, IsSilentWhenItFitsOrMayJustFit) {
  EXPECT_THAT(will_not_fit(3500, 3600, "the end", 60, 1000), IsEmpty());
  EXPECT_THAT(will_not_fit(3900, 3600, "the end", 60, 1000), IsEmpty());
}

TEST(WillNotFit, IsSilentAsLongAsNobodyKnows) {
  EXPECT_THAT(will_not_fit(7200, 3600, "the end", 29, 1000), IsEmpty());  // of an hour
  EXPECT_THAT(will_not_fit(7200, 3600, "the end", 60, 9), IsEmpty());
  EXPECT_THAT(will_not_fit(120, 60, "the end", 1.1, 1000), IsEmpty());
  EXPECT_THAT(will_not_fit(120, 60, "the end", 1.3, 1000), HasSubstr("will not fit"));  // of a minute
}

}  // namespace
}  // namespace ncf
