// Jobs are carried out once each, in order, on every rank alike; while some are under way nobody else
// communicates; what a job throws reaches whoever waits.
#include "ncf/comm/courier.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

/// With a thread of its own, and without.
class CourierTest : public testing::TestWithParam<bool> {
 protected:
  Communicator comm = Communicator::world();
};

TEST_P(CourierTest, CarriesOutJobsInTheOrderInWhichTheyAreSent) {
  Courier courier(GetParam());
  EXPECT_EQ(courier.beside(), GetParam());
  constexpr std::size_t jobs = 200;
  std::vector<int64_t> sums(jobs), order;
  std::vector<Courier::Ticket> tickets;
  const uint64_t before = comm.bytes_sent();
  for (std::size_t k = 0; k < jobs; ++k)
    tickets.push_back(courier.send(comm, [&, k] {
      order.push_back(static_cast<int64_t>(k));
      sums[k] = comm.sum(static_cast<int64_t>(k) * (comm.rank() + 1));
    }));
  const int64_t ranks = comm.size() * (comm.size() + 1) / 2;
  for (std::size_t k = 0; k < jobs; ++k) {
    courier.wait(tickets[k]);
    ASSERT_EQ(sums[k], static_cast<int64_t>(k) * ranks);
  }
  ASSERT_EQ(order.size(), jobs);
  for (std::size_t k = 0; k < jobs; ++k) ASSERT_EQ(order[k], static_cast<int64_t>(k));
  const auto world = static_cast<uint64_t>(comm.size());
  EXPECT_EQ(comm.bytes_sent() - before, jobs * (2 * 8 * (world - 1) / world));
  EXPECT_EQ(comm.sum(int64_t{1}), comm.size());  // all were waited for: it is this thread's again
}

TEST_P(CourierTest, NobodyElseCommunicatesUntilAllIsWaitedFor) {
  Courier courier(GetParam());
  courier.wait(courier.send(comm, [&] { comm.barrier(); }));
  comm.barrier();
  const Courier::Ticket first = courier.send(comm, [&] { comm.barrier(); });
  const Courier::Ticket last = courier.send(comm, [&] { comm.barrier(); });
  courier.wait(first);
  if (comm.size() > 1) {
    try {
      comm.barrier();
      FAIL() << "two threads communicate";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::internal);
      EXPECT_EQ(std::string(e.what()), "MPI_Barrier while the communicator is lent to a courier");
    }
  }
  courier.wait(last);
  comm.barrier();
}

TEST_P(CourierTest, WhatAJobThrowsIsThrownWhereItIsWaitedFor) {
  Courier courier(GetParam());
  bool later = false;
  const Courier::Ticket good = courier.send(comm, [&] { comm.barrier(); });
  const Courier::Ticket bad =
      courier.send(comm, [] { throw Error(ErrorKind::peer, "MPI_Alltoallv: somebody is gone"); });
  const Courier::Ticket after = courier.send(comm, [&] { later = true; });
  courier.wait(good);
  for (const Courier::Ticket ticket : {bad, after, bad}) try {
      courier.wait(ticket);
      FAIL() << "no error";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::peer);
      EXPECT_EQ(std::string(e.what()), "MPI_Alltoallv: somebody is gone");
    }
  EXPECT_FALSE(later);
  EXPECT_THROW(courier.wait(courier.send(comm, [&] { later = true; })), Error);
  EXPECT_FALSE(later);
  comm.barrier();  // to say so to the others is still possible
}

INSTANTIATE_TEST_SUITE_P(Threads, CourierTest, testing::Bool(),
                         [](const auto& p) { return p.param ? "beside" : "inline"; });

TEST(Courier, CommunicatesWhileThisRankComputes) {
  Communicator comm = Communicator::world();
  Courier courier(true);
  // What is computed ends when the others' values are here: without a thread it never would.
  std::atomic<int64_t> total = 0;
  const Courier::Ticket ticket = courier.send(comm, [&] { total = comm.sum(int64_t{1}); });
  while (total == 0) std::this_thread::yield();
  courier.wait(ticket);
  EXPECT_EQ(total, comm.size());
}

TEST(Courier, OnlyTheTimeInWhichNothingIsComputedCountsAsWaiting) {
  Communicator comm = Communicator::world();
  if (comm.size() == 1) GTEST_SKIP() << "one rank waits for nobody";
  Courier courier(true);
  // So much that a busy machine, which starts a rank late, changes little about it.
  constexpr double late_s = 1;
  const double waited = comm.waited_s(), communicated = comm.communicated_s();
  std::atomic<bool> met = false;
  // All but the last rank wait for it inside of the barrier, computing.
  if (comm.rank() == comm.size() - 1) std::this_thread::sleep_for(std::chrono::duration<double>(late_s));
  const double begun = now_s();
  const Courier::Ticket ticket = courier.send(comm, [&] {
    comm.barrier();
    met = true;
  });
  while (!met) std::this_thread::yield();
  const double took_s = now_s() - begun;
  courier.wait(ticket);
  EXPECT_LE(comm.communicated_s() - communicated, took_s);
  if (comm.rank() == comm.size() - 1) return;
  EXPECT_LE(comm.waited_s() - waited, 0.5 * took_s);
  EXPECT_GE(comm.communicated_s() - communicated, 0.5 * late_s);
}

TEST(Courier, WaitsForTheJobUnderWayWhenItEnds) {
  Communicator comm = Communicator::world();
  std::atomic<bool> begun = false, done = false;
  {
    Courier courier(true);
    courier.send(comm, [&] {
      begun = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      done = true;
    });
    while (!begun) std::this_thread::yield();
  }
  EXPECT_TRUE(done);
  comm.barrier();  // and the communicator is nobody's
}

TEST(Courier, SeveralThreadsMayWait) {
  Communicator comm = Communicator::world();
  Courier courier(true);
  std::vector<Courier::Ticket> tickets;
  std::atomic<int> carried_out = 0;
  for (int k = 0; k < 50; ++k)
    tickets.push_back(courier.send(comm, [&] {
      comm.barrier();
      ++carried_out;
    }));
  std::vector<std::thread> waiting;
  for (int t = 0; t < 3; ++t)
    waiting.emplace_back([&] {
      for (std::size_t k = 0; k < tickets.size(); ++k) {
        courier.wait(tickets[k]);
        EXPECT_GT(carried_out, static_cast<int>(k));
      }
    });
  for (std::thread& t : waiting) t.join();
  if (comm.size() > 1) {
    EXPECT_THROW(comm.barrier(), Error);  // the sender has not waited
  }
  courier.wait(tickets.back());
  comm.barrier();
}

}  // namespace
}  // namespace ncf
