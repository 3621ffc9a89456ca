// Whole jobs (watchdog_job.cpp under mpirun) in which a rank stops, sleeps, computes for too long, is killed,
// or comes late. Every one of them has to end by itself, soon, with the right exit code and one report that
// names the rank.
#include "ncf/comm/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ncf/comm/session.hpp"
#include "ncf/util/clock.hpp"
#include "support/child_process.hpp"

namespace ncf {
namespace {

using ncf::testing::ChildProcess;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Ranks have three seconds to answer the roll call, mpirun takes two to end them; the rest is for a busy
// machine.
constexpr double end_limit_s = 30;

class Job {
 public:
  Job(int ranks, const std::string& what, double timeout_s)
      : ranks_(ranks),
        process_(
            {NCF_MPIRUN, "-n", std::to_string(ranks), NCF_WATCHDOG_JOB, what, std::to_string(timeout_s)}) {}

  /// Waits until all ranks have met, and knows their process ids from then on.
  void wait_until_met() {
    ASSERT_TRUE(process_.wait_for("all met\n", 60)) << output();
    for (int r = 0; r < ranks_; ++r) {
      const std::string label = "rank " + std::to_string(r) + " pid ";
      ASSERT_TRUE(process_.wait_for(label, 60)) << output();
      ASSERT_TRUE(process_.wait_for("\n", 60));
      pids_.push_back(std::stoi(output().substr(output().find(label) + label.size())));
    }
  }
  void send(int rank, int signal) const { ASSERT_EQ(kill(pid(rank), signal), 0); }
  pid_t pid(int rank) const { return pids_.at(static_cast<std::size_t>(rank)); }
  int exit_code() { return process_.exit_code(end_limit_s); }
  const std::string& output() const { return process_.output(); }
  /// Whether no process of the job is left, some time after its end.
  bool all_gone() const {
    const double until = now_s() + 60;
    for (const pid_t p : pids_)
      while (kill(p, 0) == 0) {
        if (now_s() > until) return false;
        usleep(10'000);
      }
    return true;
  }

 private:
  int ranks_;
  ChildProcess process_;
  std::vector<pid_t> pids_;
};

int64_t reports(const std::string& output) {
  int64_t n = 0;
  for (auto at = output.find("no progress for"); at != std::string::npos;
       at = output.find("no progress for", at + 1))
    ++n;
  return n;
}

std::string on_host() {
  return " on " + host_name() + ": ";
}

TEST(WatchdogTest, AStoppedRankIsNamedAndGone) {
  Job job(4, "meet", 1.5);
  job.wait_until_met();
  job.send(3, SIGSTOP);
  EXPECT_EQ(job.exit_code(), 5) << job.output();
  EXPECT_EQ(reports(job.output()), 1) << job.output();
  EXPECT_THAT(job.output(),
              HasSubstr("ncf_dist: error on rank 0 of 4 (" + host_name() + "): no progress for "));
  EXPECT_THAT(job.output(),
              HasSubstr("comm.timeout_s is 1.5 s\n  rank 3" + on_host() + "no answer: stopped, dead"));
  EXPECT_THAT(job.output(), HasSubstr(": waiting in MPI_Allreduce (collective "));
  EXPECT_THAT(job.output(), HasSubstr("), step "));
  EXPECT_TRUE(job.all_gone());
}

TEST(WatchdogTest, TheLowestRankThatAnswersReports) {
  Job job(4, "meet", 1);
  job.wait_until_met();
  job.send(0, SIGSTOP);
  job.send(2, SIGSTOP);
  EXPECT_EQ(job.exit_code(), 5) << job.output();
  EXPECT_EQ(reports(job.output()), 1) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("error on rank 1 of 4 ("));
  EXPECT_THAT(job.output(), HasSubstr("\n  ranks 0, 2" + on_host() + "no answer"));
  EXPECT_THAT(job.output(), HasSubstr(": waiting in MPI_Allreduce (collective "));
  EXPECT_TRUE(job.all_gone());
}

// Collectives 1 and 2 gather the host names, 3 is where all meet.
TEST(WatchdogTest, ARankThatNeverComesSaysWhereItIs) {
  for (const char* what : {"sleep", "compute"}) {
    Job job(3, what, 1);
    job.wait_until_met();
    EXPECT_EQ(job.exit_code(), 5) << job.output();
    EXPECT_EQ(reports(job.output()), 1) << job.output();
    EXPECT_THAT(job.output(), HasSubstr("\n  rank 2" + on_host() + "at work for "));
    EXPECT_THAT(job.output(), HasSubstr(" since MPI_Barrier (collective 3)\n"));
    EXPECT_THAT(job.output(), HasSubstr("\n  ranks 0, 1: waiting in MPI_Barrier (collective 4), the end\n"));
    EXPECT_TRUE(job.all_gone());
  }
}

TEST(WatchdogTest, RanksInDifferentCollectivesAreToldApart) {
  Job job(3, "other-verb", 1);
  job.wait_until_met();
  EXPECT_EQ(job.exit_code(), 5) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("\n  rank 2: waiting in MPI_Exscan (collective 4)\n"));
  EXPECT_THAT(job.output(), HasSubstr("\n  ranks 0, 1: waiting in MPI_Barrier (collective 4), the end\n"));
}

TEST(WatchdogTest, AKilledRankEndsTheJob) {
  Job job(3, "meet", 300);
  job.wait_until_met();
  job.send(1, SIGKILL);
  EXPECT_THAT(job.exit_code(), Not(AnyOf(0, -1))) << job.output();
  EXPECT_TRUE(job.all_gone());
}

TEST(WatchdogTest, SlowButWithinTheLimitIsFine) {
  Job job(3, "slow", 4);
  job.wait_until_met();
  EXPECT_EQ(job.exit_code(), 0) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("finished\n"));
  EXPECT_EQ(reports(job.output()), 0) << job.output();
}

TEST(WatchdogTest, AJobSuspendedAsAWholeGoesOn) {
  Job job(3, "slow", 4);
  job.wait_until_met();
  usleep(500'000);  // by now two ranks wait for the slow one
  for (int r = 0; r < 3; ++r) job.send(r, SIGSTOP);
  usleep(6'000'000);
  for (int r = 0; r < 3; ++r) job.send(r, SIGCONT);
  EXPECT_EQ(job.exit_code(), 0) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("finished\n"));
}

TEST(WatchdogTest, FinalizeHasALimitToo) {
  Job job(3, "late-finalize", 1);
  job.wait_until_met();
  EXPECT_EQ(job.exit_code(), 5) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("MPI_Finalize waited 1 s for the other ranks (comm.timeout_s)"));
  EXPECT_TRUE(job.all_gone());
}

TEST(WatchdogTest, AbortEndsAllWithItsCodeAndLosesNoOutput) {
  Job job(3, "abort", 300);
  job.wait_until_met();
  EXPECT_EQ(job.exit_code(), 70) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("last words without a line end"));
  EXPECT_TRUE(job.all_gone());
}

TEST(WatchdogTest, OneRankNeedsNoneAndStartsWithoutMpirun) {
  ChildProcess alone({"env", "-u", "OMPI_ALLOW_RUN_AS_ROOT", "-u", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                      "PATH=/nowhere", NCF_WATCHDOG_JOB, "finish", "0.1"});
  EXPECT_EQ(alone.exit_code(end_limit_s), 0) << alone.output();
  EXPECT_THAT(alone.output(), HasSubstr("finished\n"));
}

}  // namespace
}  // namespace ncf
