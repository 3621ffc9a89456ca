// What is delivered through shared memory against what all_to_all_v delivers.
#include "ncf/comm/mailbox.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace ncf {
namespace {

/// How many values rank `from` has for rank `to` in a round: often none.
int64_t count(int64_t from, int64_t to, int64_t round) {
  return (from * 7 + to * 3 + round * 5) % 4 * round * round;
}
float value(int64_t from, int64_t to, int64_t k) {
  return static_cast<float>(from * 1000 + to * 100 + k % 97);
}

TEST(Mailbox, ARankAloneHasNone) {
  Communicator self = Communicator::self();
  EXPECT_EQ(Mailbox::open(self, 2), nullptr);
}

TEST(Mailbox, DeliversWhatAllToAllDelivers) {
  Communicator comm = Communicator::world();
  const auto mail = Mailbox::open(comm, 2);
  if (comm.size() == 1) {
    EXPECT_EQ(mail, nullptr);
    return;
  }
  ASSERT_NE(mail, nullptr) << "the ranks of one host should see each other's memory";
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<const float*> from(ranks);
  std::vector<int64_t> counts(ranks);
  // Boxes grow from round to round, one after the other in turn, as a step uses them.
  for (int64_t round = 0; round < 60; ++round)
    for (int box : {0, 1}) {
      for (std::size_t r = 0; r < ranks; ++r)
        counts[r] = count(comm.rank(), static_cast<int64_t>(r), round + box);
      float* to = mail->room(box, std::accumulate(counts.begin(), counts.end(), int64_t{0}));
      for (std::size_t r = 0; r < ranks; ++r)
        for (int64_t k = 0; k < counts[r]; ++k)
          *to++ = value(comm.rank(), static_cast<int64_t>(r), k + round);
      const uint64_t before = comm.bytes_sent();
      mail->deliver(comm, box, counts, from);
      uint64_t sent = 0;
      for (std::size_t r = 0; r < ranks; ++r)
        if (static_cast<int>(r) != comm.rank()) sent += sizeof(float) * static_cast<uint64_t>(counts[r]);
      EXPECT_EQ(comm.bytes_sent() - before, sent);
      for (std::size_t r = 0; r < ranks; ++r)
        for (int64_t k = 0; k < count(static_cast<int64_t>(r), comm.rank(), round + box); ++k)
          ASSERT_EQ(from[r][k], value(static_cast<int64_t>(r), comm.rank(), k + round));
    }
  comm.barrier();  // nobody's memory goes while another reads
}

}  // namespace
}  // namespace ncf
