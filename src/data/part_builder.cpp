#include "ncf/data/part_builder.hpp"

#include <algorithm>
#include <span>
#include <tuple>

namespace ncf {
namespace {

using Rows = std::span<RawRating>;

/// The ratings in order of users, those of user u at [offsets[u - first_user], offsets[u - first_user + 1]).
std::vector<RawRating> grouped_by_user(const std::vector<RawRating>& ratings, int64_t first_user,
                                       std::vector<int64_t>& offsets) {
  const auto slot = [&](const RawRating& r) { return static_cast<std::size_t>(r.user - first_user); };
  for (const RawRating& r : ratings) ++offsets[slot(r) + 1];
  for (std::size_t u = 1; u < offsets.size(); ++u) offsets[u] += offsets[u - 1];
  std::vector<RawRating> grouped(ratings.size());
  std::vector<int64_t> next(offsets.begin(), offsets.end());
  for (const RawRating& r : ratings) grouped[static_cast<std::size_t>(next[slot(r)]++)] = r;
  return grouped;
}

/// One row for rows of the same pair and file, in the order of the file.
RawRating resolved(Rows rows, Duplicates duplicates) {
  if (duplicates == Duplicates::first) return rows.front();
  RawRating row = rows.back();
  if (duplicates == Duplicates::mean && rows.size() > 1) {
    double sum = 0;
    for (const RawRating& r : rows) {
      sum += static_cast<double>(r.value);
      row.time = std::max(row.time, r.time);
    }
    row.value = static_cast<float>(sum / static_cast<double>(rows.size()));
  }
  return row;
}

void append(RatingsPart& part, const RawRating& row, bool with_times, bool with_split) {
  part.items.push_back(row.item);
  part.values.push_back(row.value);
  if (with_times) part.times.push_back(row.time);
  if (with_split) part.valid.push_back(static_cast<uint8_t>(row.valid));
}

}  // namespace

BuiltPart build_part(std::vector<RawRating> ratings, int64_t first_user, int64_t last_user,
                     Duplicates duplicates, bool with_times, bool with_split) {
  BuiltPart built;
  RatingsPart& part = built.part;
  part.first_user = first_user;
  std::vector<int64_t> offsets(static_cast<std::size_t>(last_user - first_user + 1));
  std::vector<RawRating> sorted = grouped_by_user(ratings, first_user, offsets);
  ratings = {};
  part.items.reserve(sorted.size());
  part.values.reserve(sorted.size());
  part.offsets.push_back(0);
  for (std::size_t u = 0; u + 1 < offsets.size(); ++u) {
    const Rows user = Rows(sorted).subspan(static_cast<std::size_t>(offsets[u]),
                                           static_cast<std::size_t>(offsets[u + 1] - offsets[u]));
    std::sort(user.begin(), user.end(), [](const RawRating& a, const RawRating& b) {
      return std::tie(a.item, a.valid, a.place) < std::tie(b.item, b.valid, b.place);
    });
    for (std::size_t i = 0; i < user.size();) {
      std::size_t end = i + 1;
      while (end < user.size() && user[end].item == user[i].item && user[end].valid == user[i].valid) ++end;
      if (end - i > 1 && duplicates == Duplicates::error) {
        built.repeat.emplace(user[i], user[i + 1]);
        return built;
      }
      built.repeated += static_cast<int64_t>(end - i) - 1;
      if (end < user.size() && user[end].item == user[i].item)
        ++built.in_both;  // the rows that follow are those of the validation file
      else
        append(part, resolved(user.subspan(i, end - i), duplicates), with_times, with_split);
      i = end;
    }
    part.offsets.push_back(part.rows());
  }
  return built;
}

}  // namespace ncf
