#include "ncf/embed/table_routes.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "ncf/util/divisor.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// bounds = what the counts add up to before each of them, and after all.
void cumulate(std::span<const int64_t> counts, std::vector<int64_t>& bounds) {
  bounds.resize(counts.size() + 1);
  bounds[0] = 0;
  std::partial_sum(counts.begin(), counts.end(), bounds.begin() + 1);
}

/// Owner and local row are the lower and the upper bits: of 2^bits ranks, with one class.
NCF_MULTIARCH void write_keys_of_halves(std::span<const int32_t> ids, int bits, uint32_t rows,
                                        int32_t* __restrict keys) {
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto id = static_cast<uint32_t>(ids[k]);
    keys[k] = static_cast<int32_t>((id & ((1U << bits) - 1)) * rows + (id >> bits));
  }
}

/// to[k] = table[indices[k]]
NCF_MULTIARCH void look_up(std::span<const int32_t> indices, const int32_t* __restrict table,
                           int32_t* __restrict to) {
  for (std::size_t k = 0; k < indices.size(); ++k) to[k] = table[indices[k]];
}

}  // namespace

TableRoutes::TableRoutes(ShardMap shards, int64_t total_rows, int64_t classes, int64_t run)
    : shards_(shards), classes_(classes), run_(run) {
  const int64_t most = ShardMap{0, shards.world}.local_rows(total_rows);
  class_rows_ = (most + classes * run - 1) / (classes * run) * run;
}

void TableRoutes::find_unique(std::span<const int32_t> ids, SampleParts parts) {
  parts_ = parts.count;
  const int64_t a_rank = classes_ * class_rows_;
  if (shards_.world == 1 && classes_ == 1) {  // a row's place is its number
    unique_.find(ids, a_rank, a_rank);
    places_.assign(unique_.values().begin(), unique_.values().end());
    unique_counts_.assign(1, std::ssize(places_));
    return parts_ == 1 ? cumulate(unique_counts_, unique_bounds_) : sort_by_part(parts);
  }
  write_keys(ids, a_rank);
  unique_.find(keys_, shards_.world * a_rank, a_rank);
  places_.resize(unique_.values().size());
  unique_counts_.assign(static_cast<std::size_t>(shards_.world), 0);
  int64_t owner = 0;
  for (std::size_t u = 0; u < places_.size(); ++u) {
    const int64_t key = unique_.values()[u];
    while (key >= (owner + 1) * a_rank) ++owner;
    ++unique_counts_[static_cast<std::size_t>(owner)];
    places_[u] = static_cast<int32_t>(key - owner * a_rank);
  }
  parts_ == 1 ? cumulate(unique_counts_, unique_bounds_) : sort_by_part(parts);
}

/// Numbers in the order of owner, class and row.
void TableRoutes::write_keys(std::span<const int32_t> ids, int64_t a_rank) {
  keys_.resize(ids.size());
  const auto ranks = static_cast<uint32_t>(shards_.world), rows = static_cast<uint32_t>(a_rank);
  if (classes_ == 1 && std::has_single_bit(ranks))
    return write_keys_of_halves(ids, std::countr_zero(ranks), rows, keys_.data());
  const Divisor world(ranks), classes(static_cast<uint32_t>(classes_));
  const auto run_bits = std::countr_zero(static_cast<uint32_t>(run_));
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto [local, owner] = world.divide(static_cast<uint32_t>(ids[k]));  // as ShardMap
    const auto [runs_before, of_class] = classes.divide(local >> run_bits);
    keys_[k] = static_cast<int32_t>(owner * rows + of_class * static_cast<uint32_t>(class_rows_) +
                                    (runs_before << run_bits) + (local & static_cast<uint32_t>(run_ - 1)));
  }
}

void TableRoutes::sort_by_part(SampleParts parts) {
  const std::size_t unique = places_.size(), count = static_cast<std::size_t>(parts_);
  const std::span<const int32_t> slots = unique_.slots();
  first_part_.assign(unique, static_cast<uint8_t>(SampleParts::most));
  for (std::size_t k = 0; k < slots.size(); ++k) {
    uint8_t& first = first_part_[static_cast<std::size_t>(slots[k])];
    first = std::min(first, parts.of_sample[k]);
  }
  // Counted, then put behind each other, owner by owner.
  std::vector<int64_t> counts(unique_counts_.size() * count, 0);
  for (std::size_t owner = 0, u = 0; owner < unique_counts_.size(); ++owner)
    for (int64_t k = 0; k < unique_counts_[owner]; ++k) ++counts[owner * count + first_part_[u++]];
  cumulate(counts, unique_bounds_);
  std::vector<int64_t> next(unique_bounds_.begin(), unique_bounds_.end() - 1);
  moved_.resize(unique);
  sorted_.resize(unique);
  for (std::size_t owner = 0, u = 0; owner < unique_counts_.size(); ++owner)
    for (int64_t k = 0; k < unique_counts_[owner]; ++k, ++u) {
      const int64_t to = next[owner * count + first_part_[u]]++;
      moved_[u] = static_cast<int32_t>(to);
      sorted_[static_cast<std::size_t>(to)] = places_[u];
    }
  places_.swap(sorted_);
  moved_slots_.resize(slots.size());
  for (std::size_t k = 0; k < slots.size(); ++k) moved_slots_[k] = moved_[static_cast<std::size_t>(slots[k])];
}

void TableRoutes::set_owned(std::span<const int32_t> places) {
  if (classes_ == 1) {
    owned_.assign(places.begin(), places.end());
    class_bounds_ = {0, std::ssize(owned_)};
    return;
  }
  owned_.resize(places.size());
  class_bounds_.assign(1, 0);
  for (std::size_t k = 0; k < places.size(); ++k) {
    const int64_t of_class = places[k] / class_rows_;
    while (std::ssize(class_bounds_) <= of_class) class_bounds_.push_back(static_cast<int64_t>(k));
    const int64_t row = places[k] % class_rows_;
    owned_[k] = (row / run_ * classes_ + of_class) * run_ + row % run_;
  }
  class_bounds_.resize(static_cast<std::size_t>(classes_) + 1, std::ssize(owned_));
}

void TableRoutes::set_wanted_by_self() {
  wanted_bounds_ = unique_bounds_;
  wanted_.resize(places_.size());
  std::iota(wanted_.begin(), wanted_.end(), 0);
  set_owned(places_);
}

void TableRoutes::set_wanted(std::span<const int32_t> places, std::span<const int64_t> counts) {
  cumulate(counts, wanted_bounds_);
  // One rank's wishes are distinct and ascending: so are users', where samples are dealt to their owners.
  const bool of_one_rank = std::ranges::count_if(counts, [](int64_t count) { return count > 0; }) <= 1;
  parts_ == 1 && of_one_rank ? asked_.set(places) : asked_.find(places, classes_ * class_rows_, classes_ * class_rows_);
  wanted_.assign(asked_.slots().begin(), asked_.slots().end());
  set_owned(asked_.values());
  find_slots();
}

void TableRoutes::find_slots() {
  row_of_unique_.resize(places_.size());
  const RowRange own = unique_of(self());
  const auto below = row_of_unique_.begin() + own.first, above = below + own.count;
  std::iota(row_of_unique_.begin(), below, 0);
  const auto first = static_cast<int32_t>(brought());
  const auto here = wanted_.begin() + wanted_of(self()).first;
  std::transform(here, here + own.count, below, [&](int32_t k) { return first + k; });
  std::iota(above, row_of_unique_.end(), static_cast<int32_t>(own.first));
  slots_.resize(unique_slots().size());
  look_up(unique_slots(), row_of_unique_.data(), slots_.data());
}

}  // namespace ncf
