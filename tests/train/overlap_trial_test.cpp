#include "ncf/train/overlap_trial.hpp"

#include <gtest/gtest.h>

namespace ncf {
namespace {

constexpr int64_t all_steps = 2 * OverlapTrial::turns * OverlapTrial::turn;

/// Makes the steps of a trial that take so long before and after, and beside; how many of them were made
/// beside.
int64_t make_steps(Communicator& comm, OverlapTrial& trial, double apart, double beside) {
  int64_t made_beside = 0;
  for (int64_t s = 0; s < all_steps; ++s) {
    EXPECT_TRUE(trial.trying());
    made_beside += trial.beside() ? 1 : 0;
    const bool changes_over = s % OverlapTrial::turn == 0;
    trial.after_step(comm, changes_over ? 100 : trial.beside() ? beside : apart);
  }
  EXPECT_FALSE(trial.trying());
  return made_beside;
}

TEST(OverlapTrial, KeepsWhatWasQuicker) {
  Communicator comm = Communicator::world();
  for (const bool gains : {false, true}) {
    OverlapTrial trial(true, false);
    EXPECT_EQ(make_steps(comm, trial, 2, gains ? 1.5 : 2.5), all_steps / 2) << "both by turns";
    EXPECT_EQ(trial.beside(), gains);
    trial.after_step(comm, 1000);  // nothing is tried any more
    EXPECT_EQ(trial.beside(), gains);
  }
}

TEST(OverlapTrial, TheSlowestRankDecidesForAll) {
  Communicator comm = Communicator::world();
  OverlapTrial trial(true, false);
  const bool slow = comm.rank() == comm.size() - 1;  // the others would choose otherwise
  make_steps(comm, trial, slow ? 5 : 2, slow ? 4 : 3);
  EXPECT_TRUE(trial.beside());
}

TEST(OverlapTrial, WithoutATrialNothingChanges) {
  Communicator comm = Communicator::world();
  for (const bool beside : {false, true}) {
    OverlapTrial trial(false, beside);
    for (int64_t s = 0; s < 2 * all_steps; ++s) {
      ASSERT_EQ(trial.beside(), beside);
      trial.after_step(comm, s % 2 == 0 ? 1 : 10);
    }
  }
}

}  // namespace
}  // namespace ncf
