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

/// Every value to its slot, however often: to go through the marks in order would be a branch that no
/// processor foresees in every word.
NCF_MULTIARCH void find_slots(std::span<const int32_t> values, const uint64_t* marks, const int32_t* before,
                              int32_t* __restrict slots, int32_t* __restrict distinct) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto v = static_cast<uint32_t>(values[k]);
    const int32_t slot = before[v / 64] + std::popcount(marks[v / 64] & ((uint64_t{1} << (v % 64)) - 1));
    slots[k] = slot;
    distinct[slot] = values[k];
  }
}

}  // namespace

void UniqueValues::find(std::span<const int32_t> values, int64_t bound, int64_t group) {
  if (find_in_pieces(values, group)) return;
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

/// As users come where samples are sorted by them, or dealt by ranks one after the other, and as ranks ask
/// for users' rows, of which they own most. Returns false, with nothing of meaning found, where values do not
/// ascend in a few pieces, or those are of values that lie among each other's.
bool UniqueValues::find_in_pieces(std::span<const int32_t> values, int64_t group) {
  if (!cut(values, group)) return false;
  std::ranges::sort(pieces_, {}, &Piece::lowest);
  const auto overlaps = [](const Piece& before, const Piece& after) { return after.lowest < before.highest; };
  const bool apart = std::ranges::adjacent_find(pieces_, overlaps) == pieces_.end();
  const auto longest = std::ranges::max_element(pieces_, {}, &Piece::size);
  constexpr std::size_t little = 16;
  if (!apart && little * (values.size() - longest->size()) > values.size()) return false;

  values_.resize(values.size());
  slots_.resize(values.size());
  int32_t last = -1, slot = -1;
  const auto next = [&](int32_t value, std::size_t k) {
    slot += value != last ? 1 : 0;
    last = value;
    values_[static_cast<std::size_t>(slot)] = value;
    slots_[k] = slot;
  };
  if (apart) {
    for (const Piece& piece : pieces_)
      for (std::size_t k = piece.first; k < piece.end; ++k) next(values[k], k);
  } else {
    const Piece most = *longest;
    pieces_.erase(longest);
    take_keys(values);
    auto key = keys_.begin();
    const auto next_key = [&] { next(static_cast<int32_t>(*key >> 32), *key & 0xffffffffU), ++key; };
    for (std::size_t k = most.first; k < most.end; ++k) {
      while (key != keys_.end() && static_cast<int32_t>(*key >> 32) < values[k]) next_key();
      next(values[k], k);
    }
    while (key != keys_.end()) next_key();
  }
  values_.resize(static_cast<std::size_t>(slot + 1));
  return true;
}

/// The values of the pieces, in order, with their places in the lower halves.
void UniqueValues::take_keys(std::span<const int32_t> values) {
  keys_.clear();
  for (const Piece& piece : pieces_)
    for (std::size_t k = piece.first; k < piece.end; ++k)
      keys_.push_back(static_cast<uint64_t>(values[k]) << 32 | k);
  std::ranges::sort(keys_);
}

/// Cuts the list where a value is below the one before it or of another group.
bool UniqueValues::cut(std::span<const int32_t> values, int64_t group) {
  constexpr std::size_t few = 64;
  pieces_.clear();
  for (std::size_t k = 0; k < values.size();) {
    if (pieces_.size() == few) return false;
    Piece piece{k, k + 1, values[k], values[k]};
    const int64_t end_of_group = (values[k] / group + 1) * group;
    for (; piece.end < values.size(); ++piece.end) {
      const int32_t value = values[piece.end];
      if (value < piece.highest || value >= end_of_group) break;
      piece.highest = value;
    }
    k = piece.end;
    pieces_.push_back(piece);
  }
  return true;
}

void UniqueValues::find_by_marking(std::span<const int32_t> values, int64_t bound) {
  const auto words = static_cast<std::size_t>(bound / 64 + 1);
  marks_.assign(words, 0);
  before_.resize(words);
  for (const int32_t v : values) marks_[static_cast<uint32_t>(v) / 64] |= uint64_t{1} << (v % 64);
  values_.resize(static_cast<std::size_t>(count_before(marks_, before_.data())));
  slots_.resize(values.size());
  find_slots(values, marks_.data(), before_.data(), slots_.data(), values_.data());
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
