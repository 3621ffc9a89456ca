#pragma once
/// A data set as one list, for comparing what many ranks hold with what it should be.

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf::testing {

struct Row {
  std::string user, item;
  float value = 0;
  int64_t time = 0;  // 0 without times
  bool valid = false;
  bool operator==(const Row&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Row& r) {
  return out << r.user << "," << r.item << "," << r.value << "," << r.time << (r.valid ? ",valid" : "");
}

/// All rows in canonical order, on every rank; checks on the way that the parts fit together. Collective.
inline std::vector<Row> whole(const Dataset& dataset, Communicator& comm) {
  struct Plain {
    int64_t user, time;
    int32_t item;
    float value;
    int64_t valid;
  };
  const RatingsPart& part = dataset.part;
  std::vector<Plain> mine;
  for (int64_t u = 0; u < part.users(); ++u) {
    const auto slot = static_cast<std::size_t>(u);
    for (auto i = static_cast<std::size_t>(part.offsets[slot]);
         i < static_cast<std::size_t>(part.offsets[slot + 1]); ++i)
      mine.push_back({part.first_user + u, part.times.empty() ? 0 : part.times[i], part.items[i],
                      part.values[i], part.valid.empty() ? 0 : part.valid[i]});
  }
  EXPECT_EQ(std::ssize(mine), part.rows());
  EXPECT_EQ(std::ssize(part.values), part.rows());
  const auto all = comm.all_gather_v(std::span<const Plain>(mine));
  EXPECT_EQ(part.first_row, all.offsets[static_cast<std::size_t>(comm.rank())]);
  EXPECT_EQ(dataset.total_rows, all.offsets.back());
  const auto users_here = comm.all_gather(part.users());
  int64_t first_user = 0;
  for (int r = 0; r < comm.size(); ++r) {
    if (r == comm.rank()) {
      EXPECT_EQ(part.first_user, first_user);
    }
    first_user += users_here[static_cast<std::size_t>(r)];
  }
  EXPECT_EQ(first_user, dataset.users.size());
  std::vector<Row> rows;
  for (const Plain& p : all.values)
    rows.push_back({dataset.users.text(p.user), dataset.items.text(p.item), p.value, p.time, p.valid != 0});
  return rows;
}

}  // namespace ncf::testing
