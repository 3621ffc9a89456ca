// What one rank writes is what the others read.
#include "ncf/comm/mailbox.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace ncf {
namespace {

/// How many values rank `from` has in a round: often none.
int64_t count(int64_t from, int64_t round) {
  return (from * 7 + round * 5) % 4 * round * round;
}
int32_t value(int64_t from, int64_t box, int64_t round, int64_t k) {
  return static_cast<int32_t>(from * 100000 + box * 10000 + round * 100 + k % 97);
}

TEST(Mailbox, ARankAloneHasNone) {
  Communicator self = Communicator::self();
  EXPECT_EQ(Mailbox::open(self, 2), nullptr);
}

TEST(Mailbox, OthersReadWhatWasWrittenBeforeTheyMet) {
  Communicator comm = Communicator::world();
  const auto mail = Mailbox::open(comm, 2);
  if (comm.size() == 1) {
    EXPECT_EQ(mail, nullptr);
    return;
  }
  ASSERT_NE(mail, nullptr) << "the ranks of one host should see each other's memory";
  // Boxes grow from round to round, one after the other in turn, as a step uses them.
  for (int64_t round = 0; round < 60; ++round)
    for (int box : {0, 1}) {
      const int64_t mine = count(comm.rank(), round + box);
      auto* const to = mail->room<int32_t>(box, mine);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(to) % 64, 0U);
      for (int64_t k = 0; k < mine; ++k) to[k] = value(comm.rank(), box, round, k);
      const uint64_t before = comm.bytes_sent();
      mail->meet(comm, 17);
      EXPECT_EQ(comm.bytes_sent() - before, 17U);
      for (int r = 0; r < comm.size(); ++r) {
        const auto* const from = mail->of<int32_t>(static_cast<std::size_t>(r), box);
        for (int64_t k = 0; k < count(r, round + box); ++k) ASSERT_EQ(from[k], value(r, box, round, k));
      }
    }
  comm.barrier();  // nobody's memory goes while another reads
}

TEST(Mailbox, ABoxThatGrowsKeepsItsPlaceAndValues) {
  Communicator comm = Communicator::world();
  const auto mail = Mailbox::open(comm, 1);
  if (mail == nullptr) GTEST_SKIP() << "for several ranks";
  auto* const first = mail->room<float>(0, 10);
  for (int k = 0; k < 10; ++k) {
    EXPECT_EQ(first[k], 0.0F);
    first[k] = static_cast<float>(k);
  }
  auto* const later = mail->room<float>(0, 1'000'000);
  EXPECT_EQ(later, first);
  for (int k = 0; k < 10; ++k) EXPECT_EQ(later[k], static_cast<float>(k));
  EXPECT_EQ(later[999'999], 0.0F);
  comm.barrier();
}

}  // namespace
}  // namespace ncf
