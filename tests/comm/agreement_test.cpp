// One rank's failure is everybody's, with the same words; whatever is thrown, nobody is left waiting.
#include "ncf/comm/agreement.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <optional>

#include "ncf/comm/session.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

class AgreementTest : public testing::Test {
 protected:
  /// The error that agree() throws here; it must throw.
  Error failure(const std::function<void()>& phase) {
    try {
      agree(comm, phase);
    } catch (const Error& e) {
      EXPECT_TRUE(e.agreed());
      // All ranks have the same words.
      for (const std::string& other : comm.all_gather(std::string(e.what()))) EXPECT_EQ(other, e.what());
      return e;
    }
    ADD_FAILURE() << "no error";
    return {ErrorKind::internal, ""};
  }
  /// " (on rank R)" where there are others that did not say the same.
  std::string on_rank(int r) const { return comm.size() == 1 ? "" : " (on rank " + std::to_string(r) + ")"; }

  Communicator comm = Communicator::world();
  const int me = comm.rank(), last = comm.size() - 1;
};

TEST_F(AgreementTest, SuccessRunsThePhaseOnceAndHandsOverItsResult) {
  int runs = 0;
  agree(comm, [&] { ++runs; });
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(agreed(comm, [&] { return std::to_string(me); }), std::to_string(me));
  // Results that cannot be copied, nor made from nothing.
  const std::unique_ptr<int> moved = agreed(comm, [&] { return std::make_unique<int>(me); });
  EXPECT_EQ(*moved, me);
}

TEST_F(AgreementTest, OneRankFails) {
  for (int victim = 0; victim <= last; ++victim) {
    const Error e = failure([&] {
      if (me == victim) throw Error(ErrorKind::data, "u.data:17: '4.x' is not a rating");
    });
    EXPECT_EQ(e.kind(), ErrorKind::data);
    EXPECT_EQ(e.what(), "u.data:17: '4.x' is not a rating" + on_rank(victim));
  }
}

TEST_F(AgreementTest, TheLowestOfSeveralIsHeard) {
  const Error e = failure([&] {
    if (me >= last / 2)
      throw Error(me == last / 2 ? ErrorKind::checkpoint : ErrorKind::data, "file " + std::to_string(me));
  });
  EXPECT_EQ(e.kind(), ErrorKind::checkpoint);
  EXPECT_EQ(e.what(), "file " + std::to_string(last / 2) + on_rank(last / 2));
}

TEST_F(AgreementTest, WhatAllSayNeedsNoRank) {
  const Error e = failure([] { throw Error(ErrorKind::usage, "no such key"); });
  EXPECT_EQ(e.kind(), ErrorKind::usage);
  EXPECT_STREQ(e.what(), "no such key");
}

TEST_F(AgreementTest, AnEmptyMessageOfOneRankIsStillItsOwn) {
  const Error e = failure([&] {
    if (me == last) throw Error(ErrorKind::data, "");
  });
  EXPECT_EQ(e.what(), on_rank(last));
}

TEST_F(AgreementTest, ForeignExceptionsAreInternalErrors) {
  const Error standard = failure([&] {
    if (me == last) throw std::out_of_range("vector::at");
  });
  EXPECT_EQ(standard.kind(), ErrorKind::internal);
  EXPECT_EQ(standard.what(), "vector::at" + on_rank(last));

  const Error memory = failure([&] {
    if (me == 0) throw std::bad_alloc();
  });
  EXPECT_EQ(memory.kind(), ErrorKind::internal);
  EXPECT_EQ(memory.what(), "out of memory on " + host_name() + on_rank(0));

  const Error unknown = failure([&] {
    if (me == last) throw 17;
  });
  EXPECT_EQ(unknown.kind(), ErrorKind::internal);
  EXPECT_EQ(unknown.what(), "an exception of unknown type" + on_rank(last));
}

TEST_F(AgreementTest, AfterAFailureTheRanksAreStillInStep) {
  for (int round = 0; round < 3; ++round) {
    failure([&] {
      if (me == round % (last + 1))
        throw Error(ErrorKind::data, std::string(static_cast<std::size_t>(round) * 5000, 'x'));
    });
    EXPECT_EQ(comm.sum(int64_t{1}), comm.size());
  }
}

}  // namespace
}  // namespace ncf
