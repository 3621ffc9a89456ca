#include "ncf/embed/unique_values.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "ncf/util/radix_sort.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

// Where the processor counts bits by itself, these loops take a third of the time.

/// before[w] = bits set in the words before w; returns those of all.
NCF_MULTIARCH int32_t count_before(std::span<const uint64_t> marks, int32_t* __restrict before) {
  int32_t count = 0;
  for (std::size_t w = 0; w < marks.size(); ++w) {
    before[w] = count;
    count += std::popcount(marks[w]);
  }
  return count;
}

NCF_MULTIARCH void find_slots(std::span<const int32_t> values, const uint64_t* marks, const int32_t* before,
                              int32_t* __restrict slots) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto v = static_cast<uint32_t>(values[k]);
    slots[k] = before[v / 64] + std::popcount(marks[v / 64] & ((uint64_t{1} << (v % 64)) - 1));
  }
}

}  // namespace

void UniqueValues::find(std::span<const int32_t> values, int64_t bound) {
  if (find_ascending(values)) return;
  // Marking reads a bit of every possible value; sorting handles every value of the list several times.
  constexpr int64_t bits_a_value = 256;  // about where they cost the same
  if (bound <= bits_a_value * static_cast<int64_t>(values.size() + 1))
    find_by_marking(values, bound);
  else
    find_by_sorting(values, bound);
}

void UniqueValues::set(std::span<const int32_t> ascending) {
  values_.assign(ascending.begin(), ascending.end());
  slots_.resize(ascending.size());
  std::iota(slots_.begin(), slots_.end(), 0);
}

/// As users come where samples are sorted by them. Returns false, with nothing of meaning found, where some
/// value is below the one before it.
bool UniqueValues::find_ascending(std::span<const int32_t> values) {
  values_.resize(values.size());
  slots_.resize(values.size());
  int32_t last = -1, slot = -1;
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (values[k] < last) return false;
    slot += values[k] != last ? 1 : 0;
    last = values[k];
    values_[static_cast<std::size_t>(slot)] = last;
    slots_[k] = slot;
  }
  values_.resize(static_cast<std::size_t>(slot + 1));
  return true;
}

void UniqueValues::find_by_marking(std::span<const int32_t> values, int64_t bound) {
  const auto words = static_cast<std::size_t>(bound / 64 + 1);
  marks_.assign(words, 0);
  before_.resize(words);
  for (const int32_t v : values) marks_[static_cast<uint32_t>(v) / 64] |= uint64_t{1} << (v % 64);
  const int32_t count = count_before(marks_, before_.data());
  values_.resize(static_cast<std::size_t>(count));
  std::size_t at = 0;
  for (std::size_t w = 0; w < words; ++w)
    for (uint64_t left = marks_[w]; left != 0; left &= left - 1)
      values_[at++] = static_cast<int32_t>(w * 64) + std::countr_zero(left);
  slots_.resize(values.size());
  find_slots(values, marks_.data(), before_.data(), slots_.data());
}

void UniqueValues::find_by_sorting(std::span<const int32_t> values, int64_t bound) {
  // A key carries its place in the low half: one sort gives the order and the slots.
  keys_.resize(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) keys_[k] = static_cast<uint64_t>(values[k]) << 32 | k;
  sort_by_bits(keys_, scratch_, 32, static_cast<uint64_t>(bound));
  values_.clear();
  slots_.resize(values.size());
  for (const uint64_t key : keys_) {
    const auto value = static_cast<int32_t>(key >> 32);
    if (values_.empty() || values_.back() != value) values_.push_back(value);
    slots_[static_cast<std::size_t>(key & 0xffffffffU)] = static_cast<int32_t>(values_.size() - 1);
  }
}

}  // namespace ncf
