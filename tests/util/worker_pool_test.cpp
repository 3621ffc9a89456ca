#include "ncf/util/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>

namespace ncf {
namespace {

TEST(WorkerPool, EveryPartOnceByTheWorkerWhoseTurnItIs) {
  for (const int64_t workers : {1, 2, 5}) {
    WorkerPool pool(workers);
    EXPECT_EQ(pool.workers(), workers);
    for (const int64_t parts : {0, 1, 2, 7, 100})
      for (int round = 0; round < 50; ++round) {
        std::vector<std::atomic<int>> taken(static_cast<std::size_t>(parts));
        std::atomic<int> wrong = 0;
        pool.run(parts, [&](int64_t part, int64_t worker) {
          ++taken[static_cast<std::size_t>(part)];
          if (parts > 1 && worker != part % workers) ++wrong;
        });
        EXPECT_EQ(wrong, 0);
        for (const auto& t : taken) EXPECT_EQ(t, 1);
      }
  }
}

TEST(WorkerPool, SharesOutEveryNumberOnce) {
  for (const int64_t workers : {1, 2, 5}) {
    WorkerPool pool(workers);
    for (const int64_t count : {0, 1, 4, 5, 99}) {
      std::vector<std::atomic<int>> taken(static_cast<std::size_t>(count));
      pool.share_out(count, [&](int64_t first, int64_t end) {
        EXPECT_LE(end - first, count / workers + 1);
        for (int64_t k = first; k < end; ++k) ++taken[static_cast<std::size_t>(k)];
      });
      for (const auto& t : taken) EXPECT_EQ(t, 1);
    }
  }
}

TEST(WorkerPool, TasksThatComeSoonAndThoseThatComeLateAreAllDone) {
  // After 200 µs without a task threads sleep: shorter and longer pauses than that, and ends in either state.
  for (const int pause_us : {0, 50, 190, 210, 1000})
    for (int pools = 0; pools < 5; ++pools) {
      WorkerPool pool(3);
      std::atomic<int> done = 0;
      for (int round = 0; round < 20; ++round) {
        pool.run(3, [&](int64_t part, int64_t) {
          if (part == 2 && round % 5 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
          ++done;
        });
        ASSERT_EQ(done, 3 * (round + 1));
        std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
      }
    }
}

TEST(WorkerPool, AnExceptionIsThrownByRunAndTheNextRunWorks) {
  WorkerPool pool(3);
  for (const int64_t bad : {0, 1, 2, 5}) {
    EXPECT_THROW(pool.run(6,
                          [&](int64_t part, int64_t) {
                            if (part == bad) throw std::runtime_error("no");
                          }),
                 std::runtime_error);
    std::atomic<int> done = 0;
    pool.run(6, [&](int64_t, int64_t) { ++done; });
    EXPECT_EQ(done, 6);
  }
}

TEST(WorkerPool, ThreadsArePrepared) {
  std::mutex mutex;
  std::set<std::thread::id> prepared;
  WorkerPool pool(4, [&] {
    const std::lock_guard lock(mutex);
    prepared.insert(std::this_thread::get_id());
  });
  pool.run(4, [&](int64_t, int64_t worker) {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(prepared.contains(std::this_thread::get_id()), worker != 0);
  });
}

}  // namespace
}  // namespace ncf
