#pragma once
/// Samples that are computed together, out of all that a rank holds: in which order they stand, how they are
/// read, and the columns they become.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "ncf/data/ratings.hpp"
#include "ncf/util/radix_sort.hpp"

namespace ncf {

struct SampleColumns {
  std::vector<int32_t> users, items;
  std::vector<float> ratings;

  void resize(std::size_t samples) {
    users.resize(samples);
    items.resize(samples);
    ratings.resize(samples);
  }
  void set(std::size_t k, const Sample& sample) {
    users[k] = sample.user;
    items[k] = sample.item;
    ratings[k] = sample.rating;
  }
};

/// Sorts numbers of samples, which are by user and item, so that a user's stand together; not so few that
/// they seldom meet a user twice.
class UserOrder {
 public:
  /// `bound`: above all numbers.
  void sort(std::span<uint64_t> numbers, uint64_t bound) {
    constexpr std::size_t worth_it = 256;
    if (numbers.size() < worth_it) return;
    keys_.assign(numbers.begin(), numbers.end());
    sort_by_bits(keys_, scratch_, 0, bound);
    std::ranges::copy(keys_, numbers.begin());
  }

 private:
  std::vector<uint64_t> keys_, scratch_;
};

/// take(k, rows[at(k)]) for every k in [first, end). The samples lie anywhere in a memory far larger than the
/// caches: they are asked for ahead.
template <class At, class Take>
void look_up(const AlignedVector<Sample>& rows, std::size_t first, std::size_t end, const At& at,
             const Take& take) {
  constexpr std::size_t ahead = 96;
  const std::size_t sure = end > first + ahead ? end - ahead : first;
  std::size_t k = first;
  for (; k < sure; ++k) {
    constexpr int to_read = 0, second_cache = 2;
    const auto* const row = reinterpret_cast<const char*>(rows.data() + at(k + ahead));
    __builtin_prefetch(row, to_read, second_cache);
    __builtin_prefetch(row + sizeof(Sample) - 1, to_read, second_cache);
    take(k, rows[at(k)]);
  }
  for (; k < end; ++k) take(k, rows[at(k)]);
}

}  // namespace ncf
