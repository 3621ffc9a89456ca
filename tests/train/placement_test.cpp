#include "ncf/train/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "ncf/comm/session.hpp"

namespace ncf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RankPlace rank_on(const std::string& host, const std::string& cpus, int64_t threads = 1) {
  RankPlace place;
  place.host = host;
  place.cpus = cpus;
  place.threads = threads;
  place.instruction_set = "AVX2";
  place.build = "a";
  return place;
}

std::string text_of(const std::vector<std::string>& hosts) {
  return hosts_text(ranks_by_host(hosts));
}

TEST(Placement, HostsForPeople) {
  EXPECT_EQ(text_of({"a", "a", "a"}), "a");
  EXPECT_EQ(text_of({"b", "a", "b", "a"}), "a, b (2 ranks each)");
  EXPECT_EQ(text_of({"a", "b"}), "a, b (1 rank each)");
  EXPECT_EQ(text_of({"b", "a", "b"}), "a (1 rank), b (2 ranks)");
  EXPECT_EQ(text_of({"a", "b", "c", "d"}), "a, b, c, d (1 rank each)");
  EXPECT_EQ(text_of({"a", "b", "c", "d", "e"}), "a, b, c and 2 other hosts (1 rank each)");
}

TEST(Placement, EnoughCpusForAll) {
  EXPECT_THAT(misplacements(std::vector<RankPlace>{}), IsEmpty());
  const std::vector<RankPlace> bound = {rank_on("a", "0"), rank_on("a", "1"), rank_on("b", "0-3", 4)};
  EXPECT_THAT(misplacements(bound), IsEmpty());
  const std::vector<RankPlace> nested = {rank_on("a", "0-3", 2), rank_on("a", "0,1")};
  EXPECT_THAT(misplacements(nested), IsEmpty());
  const std::vector<RankPlace> unknown = {rank_on("a", "", 8), rank_on("a", "", 8)};
  EXPECT_THAT(misplacements(unknown), IsEmpty());
}

TEST(Placement, MoreThreadsThanCpus) {
  const std::vector<RankPlace> ranks = {rank_on("a", "0-3", 2), rank_on("a", "0-3", 3),
                                        rank_on("b", "0-1", 1), rank_on("c", "5", 2)};
  EXPECT_THAT(misplacements(ranks),
              ElementsAre(HasSubstr("a and 1 other host: 2 ranks with 5 threads on 4 CPUs")));
}

TEST(Placement, AllRanksOnOneCore) {
  const std::vector<RankPlace> ranks = {rank_on("a", "7"), rank_on("a", "7"), rank_on("a", "7")};
  EXPECT_THAT(misplacements(ranks), ElementsAre(HasSubstr("a: 3 ranks with 3 threads on 1 CPU,")));
}

TEST(Placement, TwoOfManyRanksBoundToTheSameCore) {
  const std::vector<RankPlace> ranks = {rank_on("a", "0-15,32-47", 4), rank_on("a", "3"), rank_on("a", "3")};
  EXPECT_THAT(misplacements(ranks), ElementsAre(HasSubstr("a: 2 ranks with 2 threads on 1 CPU,")));
}

TEST(Placement, ControlGroupsLeaveLessThanTheCpus) {
  std::vector<RankPlace> ranks = {rank_on("a", "0-63", 2), rank_on("a", "0-63", 2)};
  for (RankPlace& rank : ranks) rank.cpu_limit = 2.5;
  EXPECT_THAT(misplacements(ranks), ElementsAre(HasSubstr("a: 2 ranks with 4 threads on 2.5 CPUs")));
}

TEST(Placement, MoreMemoryThanAllowed) {
  std::vector<RankPlace> ranks = {rank_on("a", "0"), rank_on("a", "1"), rank_on("b", "0")};
  for (RankPlace& rank : ranks) {
    rank.memory_bytes = int64_t{4} << 30;
    rank.needed_bytes = int64_t{3} << 30;
  }
  EXPECT_THAT(misplacements(ranks),
              ElementsAre(HasSubstr("a: its ranks need 6 GiB of memory and may use 4;")));
}

TEST(Placement, HostsThatDiffer) {
  std::vector<RankPlace> ranks = {rank_on("a", "0"), rank_on("b", "0"), rank_on("c", "0")};
  ranks[0].instruction_set = "AVX-512";
  EXPECT_THAT(misplacements(ranks), ElementsAre(HasSubstr("AVX-512 on a, AVX2 on b and 1 other host")));
  ranks[0].instruction_set = "AVX2";
  ranks[2].build = "ncf_dist 0.2";
  EXPECT_THAT(misplacements(ranks), ElementsAre(HasSubstr("a on a and 1 other host, ncf_dist 0.2 on c")));
  ranks[2].build = "a";
  ranks[1].clock_s = 61;
  EXPECT_THAT(misplacements(ranks), ElementsAre(HasSubstr("the clock of b is 61 s ahead of that of a")));
  ranks[1].clock_s = 0.5;
  EXPECT_THAT(misplacements(ranks), IsEmpty());
}

TEST(Placement, OfThisJob) {
  auto comm = Communicator::world();
  const auto crowded = check_placement(comm, 100000, 0);
  EXPECT_THAT(crowded, ElementsAre(AllOf(HasSubstr(host_name() + ": "), HasSubstr("00000 threads on "))));
  const auto greedy = check_placement(comm, 1, int64_t{1} << 60);
  EXPECT_THAT(greedy, ::testing::Contains(HasSubstr("GiB of memory")));
}

/// What a launcher does that binds all ranks to the first core.
TEST(Placement, OfThisJobBoundToOneCore) {
  auto comm = Communicator::world();
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int core = 0;
  while (!CPU_ISSET(core, &before)) ++core;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const auto said = check_placement(comm, 1, 0);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  if (comm.size() == 1)
    EXPECT_THAT(said, IsEmpty());
  else
    EXPECT_THAT(said, ElementsAre(HasSubstr(std::to_string(comm.size()) + " threads on 1 CPU,")));
}

}  // namespace
}  // namespace ncf
