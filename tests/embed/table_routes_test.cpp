// Rows are listed by owner, class and row, whatever the number of ranks and classes.
#include "ncf/embed/table_routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ncf/util/random.hpp"

namespace ncf {
namespace {

std::vector<int32_t> random_ids(std::size_t count, int64_t below) {
  std::vector<int32_t> out(count);
  for (std::size_t k = 0; k < count; ++k)
    out[k] = static_cast<int32_t>(
        random_below(static_cast<uint64_t>(below), 5, Purpose::synthetic, static_cast<uint64_t>(below), k));
  return out;
}

TEST(TableRoutes, OwnersOfAllRanksTogetherHaveWhatWasAskedFor) {
  for (const int64_t rows : {1, 2, 7, 100})
    for (const int64_t world : {1, 2, 3, 8})
      for (const auto& [classes, run] :
           {std::pair<int64_t, int64_t>{1, 1}, {4, 1}, {1, 16}, {3, 2}, {4, 16}}) {
        const auto ids = random_ids(60, rows);
        TableRoutes asking({0, world}, rows, classes, run);
        asking.find_unique(ids);
        std::vector<int64_t> found;  // rows in the order of unique rows
        std::size_t at = 0;
        for (int64_t owner = 0; owner < world; ++owner) {
          const ShardMap shards{owner, world};
          TableRoutes asked(shards, rows, classes, run);
          const auto count = asking.unique_counts()[static_cast<std::size_t>(owner)];
          const auto places = asking.places().subspan(at, static_cast<std::size_t>(count));
          // Rank 0 asks for them, and the last one, if it is another, for the same again.
          std::vector<int32_t> wishes(places.begin(), places.end());
          if (world > 1) wishes.insert(wishes.end(), places.begin(), places.end());
          std::vector<int64_t> counts(static_cast<std::size_t>(world), 0);
          counts.front() = counts.back() = count;
          const bool asks = owner == 0 || owner == world - 1;
          asked.find_unique(asks ? std::span<const int32_t>(ids) : std::span<const int32_t>());
          asked.set_wanted(wishes, counts);
          ASSERT_EQ(std::ssize(asked.owned()), count);
          for (std::size_t k = 0; k < wishes.size(); ++k)
            EXPECT_EQ(asked.wanted()[k], static_cast<int32_t>(k) % static_cast<int32_t>(count));
          ASSERT_EQ(std::ssize(asked.class_bounds()), classes + 1);
          EXPECT_EQ(asked.class_bounds().back(), count);
          for (int64_t c = 0; c < classes; ++c)
            for (int64_t k = asked.class_bounds()[static_cast<std::size_t>(c)];
                 k < asked.class_bounds()[static_cast<std::size_t>(c) + 1]; ++k)
              EXPECT_EQ(asked.owned()[static_cast<std::size_t>(k)] / run % classes, c);
          for (const int64_t local : asked.owned()) found.push_back(shards.global(local));
          at += static_cast<std::size_t>(count);
        }
        ASSERT_EQ(at, asking.places().size());
        EXPECT_EQ(std::set<int64_t>(found.begin(), found.end()).size(), found.size());
        for (std::size_t k = 0; k < ids.size(); ++k)
          ASSERT_EQ(found[static_cast<std::size_t>(asking.unique_slots()[k])], ids[k]);
      }
}

TEST(TableRoutes, ARowBelongsToTheFirstPartThatUsesIt) {
  constexpr int64_t rows = 100;
  const auto ids = random_ids(150, rows);
  for (const int64_t world : {1, 2, 3, 8})
    for (const int64_t count : {2, 5, 7}) {
      std::vector<uint8_t> of_sample;  // not in the order of the samples, and part 1 has none
      for (std::size_t k = 0; k < ids.size(); ++k)
        of_sample.push_back(static_cast<uint8_t>(k * 31 % static_cast<std::size_t>(count)));
      std::ranges::replace(of_sample, uint8_t{1}, uint8_t{0});
      TableRoutes whole({0, world}, rows, 1), routes({0, world}, rows, 1);
      whole.find_unique(ids);
      routes.find_unique(ids, {count, of_sample});
      EXPECT_EQ(routes.parts(), count);
      ASSERT_EQ(routes.unique(), whole.unique());
      const std::vector<int64_t> counts(routes.unique_counts().begin(), routes.unique_counts().end());
      EXPECT_EQ(counts, std::vector<int64_t>(whole.unique_counts().begin(), whole.unique_counts().end()));
      const auto part_of_row = [&](int64_t row, std::size_t owner) {
        for (int64_t part = 0; part < count; ++part) {
          const RowRange range = routes.unique_of(owner, part);
          if (row >= range.first && row < range.first + range.count) return part;
        }
        return int64_t{-1};
      };
      std::vector<int64_t> first(static_cast<std::size_t>(rows), count);
      for (std::size_t k = 0; k < ids.size(); ++k)
        first[static_cast<std::size_t>(ids[k])] =
            std::min<int64_t>(first[static_cast<std::size_t>(ids[k])], of_sample[k]);
      for (std::size_t k = 0; k < ids.size(); ++k) {
        const int64_t slot = routes.unique_slots()[k], owner = ids[k] % world;
        EXPECT_EQ(part_of_row(slot, static_cast<std::size_t>(owner)),
                  first[static_cast<std::size_t>(ids[k])]);
        EXPECT_EQ(routes.places()[static_cast<std::size_t>(slot)], ids[k] / world);
      }
      for (std::size_t owner = 0; owner < static_cast<std::size_t>(world); ++owner) {
        EXPECT_EQ(routes.unique_of(owner, 1).count, 0);
        int64_t next = routes.unique_of(owner).first;
        for (int64_t part = 0; part < count; ++part) {
          EXPECT_EQ(routes.unique_of(owner, part).first, next);
          next += routes.unique_of(owner, part).count;
        }
        EXPECT_EQ(next - routes.unique_of(owner).first, counts[owner]);
      }
    }
}

TEST(TableRoutes, SamplesReadWhatIsBroughtAndThenWhatIsOwnedHere) {
  constexpr int64_t rows = 60;
  for (const int64_t world : {1, 2, 3, 8})
    for (const int64_t parts : {1, 3}) {
      const auto ranks = static_cast<std::size_t>(world);
      std::vector<std::vector<int32_t>> ids;
      std::vector<TableRoutes> routes;
      for (std::size_t r = 0; r < ranks; ++r) {
        ids.push_back(random_ids(7 * r, rows - static_cast<int64_t>(r)));  // rank 0 has no sample
        std::vector<uint8_t> of_sample;
        for (std::size_t k = 0; k < ids[r].size(); ++k)
          of_sample.push_back(static_cast<uint8_t>(k * 7 % static_cast<std::size_t>(parts)));
        routes.emplace_back(ShardMap{static_cast<int64_t>(r), world}, rows, 2, 4);
        routes.back().find_unique(ids[r], {parts, of_sample});
      }
      for (std::size_t owner = 0; owner < ranks; ++owner) {
        std::vector<int32_t> wishes;
        std::vector<int64_t> counts;
        for (const TableRoutes& asking : routes)
          for (int64_t part = 0; part < parts; ++part) {
            const RowRange of = asking.unique_of(owner, part);
            counts.push_back(of.count);
            const auto first = asking.places().begin() + of.first;
            wishes.insert(wishes.end(), first, first + of.count);
          }
        routes[owner].set_wanted(wishes, counts);
      }
      for (std::size_t r = 0; r < ranks; ++r) {
        const TableRoutes& here = routes[r];
        ASSERT_EQ(here.rows(), here.brought() + std::ssize(here.owned()));
        EXPECT_EQ(here.brought_by(r).count, 0);
        std::vector<int64_t> row_of(static_cast<std::size_t>(here.rows()), -1);  // of the matrix
        for (std::size_t k = 0; k < here.owned().size(); ++k)
          row_of[static_cast<std::size_t>(here.brought()) + k] =
              ShardMap{static_cast<int64_t>(r), world}.global(here.owned()[k]);
        int64_t next = 0;
        for (std::size_t owner = 0; owner < ranks; ++owner)
          for (int64_t part = 0; part < parts && owner != r; ++part) {
            const RowRange brought = here.brought_by(owner, part);
            EXPECT_EQ(brought.first, next);
            next += brought.count;
            const TableRoutes& there = routes[owner];
            const RowRange wanted = there.wanted_of(r, part);
            ASSERT_EQ(wanted.count, brought.count);
            for (int64_t k = 0; k < brought.count; ++k) {
              const int32_t number = there.wanted()[static_cast<std::size_t>(wanted.first + k)];
              row_of[static_cast<std::size_t>(brought.first + k)] =
                  ShardMap{static_cast<int64_t>(owner), world}.global(
                      there.owned()[static_cast<std::size_t>(number)]);
            }
          }
        EXPECT_EQ(next, here.brought());
        ASSERT_EQ(here.slots().size(), ids[r].size());
        for (std::size_t k = 0; k < ids[r].size(); ++k)
          ASSERT_EQ(row_of[static_cast<std::size_t>(here.slots()[k])], ids[r][k]);
      }
    }
}

TEST(TableRoutes, AClassHasTheSameRowsInTheSameOrderAtAnyNumberOfRanks) {
  constexpr int64_t rows = 500, granules = 8;
  const auto ids = random_ids(200, rows);
  std::vector<std::vector<int64_t>> expected;
  for (const int64_t world : {1, 2, 4, 8}) {
    std::vector<std::vector<int64_t>> of_class(granules);
    for (int64_t rank = 0; rank < world; ++rank) {
      const ShardMap shards{rank, world};
      std::vector<int32_t> mine;
      for (const int32_t id : ids)
        if (shards.owner(id) == rank) mine.push_back(id);
      TableRoutes routes(shards, rows, granules / world);
      routes.find_unique(mine);
      std::vector<int64_t> counts(static_cast<std::size_t>(world));
      counts[static_cast<std::size_t>(rank)] = routes.unique();
      routes.set_wanted(routes.places(), counts);
      for (int64_t c = 0; c < granules / world; ++c)
        for (int64_t k = routes.class_bounds()[static_cast<std::size_t>(c)];
             k < routes.class_bounds()[static_cast<std::size_t>(c) + 1]; ++k) {
          const int64_t row = shards.global(routes.owned()[static_cast<std::size_t>(k)]);
          of_class[static_cast<std::size_t>(row % granules)].push_back(row);
        }
    }
    if (expected.empty()) expected = of_class;
    EXPECT_EQ(of_class, expected) << world;
  }
}

}  // namespace
}  // namespace ncf
