#include "ncf/embed/table_routes.hpp"

#include <algorithm>
#include <array>

namespace ncf {
namespace {

/// Sorts by the high half, whose values are below `bound`; keys that are equal there must stand in ascending
/// order already. Radix sort by bytes: for the few thousand keys of a batch several times faster than
/// comparing.
void sort_by_high_half(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, uint64_t bound) {
  if (keys.size() < 256) return std::sort(keys.begin(), keys.end());
  scratch.resize(keys.size());
  for (int shift = 0; shift < 32 && bound >> shift != 0; shift += 8) {
    std::array<std::size_t, 257> starts{};
    const auto digit = [&](uint64_t key) { return static_cast<std::size_t>(key >> (32 + shift) & 0xff); };
    for (const uint64_t key : keys) ++starts[digit(key) + 1];
    for (std::size_t d = 1; d < starts.size(); ++d) starts[d] += starts[d - 1];
    for (const uint64_t key : keys) scratch[starts[digit(key)]++] = key;
    keys.swap(scratch);
  }
}

}  // namespace

void TableRoutes::find_unique(std::span<const int32_t> ids, ShardMap shards) {
  // Sorted by (owner, local row), so that what goes to a rank is one contiguous part and every list ascends.
  // A key carries the place of its id in its low half: one sort gives the order and the slots.
  int64_t last_local = 0;
  for (const int32_t id : ids) last_local = std::max(last_local, shards.local(id));
  const auto span = static_cast<uint64_t>(last_local) + 1;  // P·span fits 32 bits
  keys_.resize(ids.size());
  for (std::size_t k = 0; k < ids.size(); ++k)
    keys_[k] =
        (static_cast<uint64_t>(shards.owner(ids[k])) * span + static_cast<uint64_t>(shards.local(ids[k])))
            << 32 |
        k;
  sort_by_high_half(keys_, scratch_, static_cast<uint64_t>(shards.world) * span);

  slots_.resize(ids.size());
  local_.clear();
  unique_counts_.assign(static_cast<std::size_t>(shards.world), 0);
  uint64_t last = ~uint64_t{0};
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    const auto place = static_cast<std::size_t>(keys_[k] & 0xffffffffU);
    if (keys_[k] >> 32 != last) {
      last = keys_[k] >> 32;
      local_.push_back(static_cast<int32_t>(last % span));
      ++unique_counts_[static_cast<std::size_t>(last / span)];
    }
    slots_[place] = static_cast<int32_t>(local_.size() - 1);
  }
}

void TableRoutes::set_wanted_by_self() {
  wanted_ = local_;
  wanted_counts_ = unique_counts_;
  owned_.assign(local_.begin(), local_.end());
}

void TableRoutes::set_wanted(std::span<const int32_t> rows, std::span<const int64_t> counts) {
  wanted_.assign(rows.begin(), rows.end());
  wanted_counts_.assign(counts.begin(), counts.end());
  by_row_.clear();
  std::size_t at = 0;
  for (std::size_t r = 0; r < counts.size(); ++r)
    for (int32_t place = 0; place < counts[r]; ++place, ++at)
      by_row_.push_back({rows[at], {static_cast<int32_t>(r), place}});
  // Requests of a row stay in rank order, the order in which they are added up.
  std::ranges::sort(by_row_, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second.rank < b.second.rank;
  });
  owned_.clear();
  request_offsets_.clear();
  requests_.clear();
  for (const auto& [row, request] : by_row_) {
    if (owned_.empty() || owned_.back() != row) {
      owned_.push_back(row);
      request_offsets_.push_back(static_cast<int64_t>(requests_.size()));
    }
    requests_.push_back(request);
  }
  request_offsets_.push_back(static_cast<int64_t>(requests_.size()));
}

}  // namespace ncf
