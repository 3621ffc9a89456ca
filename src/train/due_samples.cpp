#include "ncf/train/due_samples.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <numeric>

#include "ncf/util/divisor.hpp"
#include "ncf/util/prefetch.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// Which multiple of `by`, from `begin` on, each number falls into.
NCF_MULTIARCH void quotients(const uint64_t* numbers, std::size_t count, uint64_t begin, uint64_t by,
                             uint32_t* out) {
  const LongDivisor divisor(by);
  for (std::size_t k = 0; k < count; ++k)
    out[k] = static_cast<uint32_t>(divisor.quotient(numbers[k] - begin));
}

}  // namespace

void DueSamples::begin(const Permutation& order, uint64_t first, uint64_t count, Windows windows) {
  order_ = order;
  first_ = first, count_ = count, windows_ = windows;
  lists_.clear();
  places_.clear();
  if (windows.count() <= 1) return;

  choose_steps_kept();
  reserve();
  const Divisor a_window(static_cast<uint32_t>(windows.a_window));
  std::array<uint32_t, block> steps;
  for (uint64_t begin = 0; begin < count; begin += block) {
    const std::size_t here = std::min(block, count - begin);
    std::iota(positions_.begin(), positions_.begin() + here, first + begin);
    find(here, 0, steps.data());
    for (std::size_t k = 0; k < here; ++k) {
      const auto [window, step] = a_window.divide(steps[k]);
      if (window < lists_.size()) put(lists_[window], begin + k, step);  // others: positions not used
    }
  }
}

/// Steps are kept where distances, which are as long as there are windows on average, seldom need an entry
/// more for it.
void DueSamples::choose_steps_kept() {
  constexpr uint64_t seldom = 4;
  step_bits_ = static_cast<int>(std::bit_width(windows_.a_window - 1));
  steps_kept_ =
      step_bits_ < 16 && (UINT16_MAX >> step_bits_) >= static_cast<int64_t>(seldom * windows_.count());
  if (!steps_kept_) step_bits_ = 0;
  farther_ = static_cast<uint16_t>(UINT16_MAX >> step_bits_);
}

/// Of the first `count` numbers in positions_: the steps they are due in, counted from position `begin` on.
void DueSamples::find(std::size_t count, uint64_t begin, uint32_t* out) {
  order_.forward(std::span(positions_).first(count));
  quotients(positions_.data(), count, begin, windows_.batch_size, out);
}

/// Room for all distances, whatever windows they are of, with one that is `farther_` for every so many places
/// at most in each.
void DueSamples::reserve() {
  const uint64_t windows = windows_.count(), entries = count_ + windows * (count_ / farther_),
                 chunks = (entries + chunk - 1) / chunk + windows;
  if (chunks > room_) {
    entries_ = std::make_unique_for_overwrite<uint16_t[]>(chunks * chunk);
    next_chunk_ = std::make_unique_for_overwrite<uint32_t[]>(chunks);
    room_ = chunks;
  }
  for (uint64_t w = 0; w < windows; ++w) lists_.push_back({w * chunk, 0, 0});
  used_ = windows;
}

inline void DueSamples::put(List& list, uint64_t place, uint32_t step) {
  uint64_t distance = place - list.last;
  list.last = place;
  ++list.samples;
  for (; distance >= farther_; distance -= farther_)
    append(list, static_cast<uint16_t>(farther_ << step_bits_));
  append(list, static_cast<uint16_t>(distance << step_bits_ | (steps_kept_ ? step : 0)));
}

inline void DueSamples::append(List& list, uint16_t entry) {
  entries_[list.end++] = entry;
  if (list.end % chunk != 0) return;
  next_chunk_[list.end / chunk - 1] = static_cast<uint32_t>(used_);
  list.end = chunk * used_++;
}

DueSamples::Due DueSamples::in(uint64_t window) {
  const bool all = lists_.empty();
  if (!all) read(lists_[window], window);
  if (all || !steps_kept_) find_steps(window);
  return {all, places_, steps_};
}

/// Where they are not kept: those of places_, or of all samples.
void DueSamples::find_steps(uint64_t window) {
  const bool all = lists_.empty();
  const std::size_t count = all ? count_ : places_.size();
  steps_.resize(count);
  for (std::size_t k = 0; k < count; k += block) {
    const std::size_t here = std::min(block, count - k);
    if (all)
      std::iota(positions_.begin(), positions_.begin() + here, first_ + k);
    else
      for (std::size_t j = 0; j < here; ++j) positions_[j] = first_ + places_[k + j];
    find(here, window * windows_.a_window * windows_.batch_size, &steps_[k]);
  }
}

void DueSamples::read(const List& list, uint64_t window) {
  // Every entry is written down as a sample, and the next over it where there is none: a place more.
  places_.resize(list.samples + 1);
  steps_.resize(list.samples + 1);
  const int bits = step_bits_;
  const uint32_t farther = farther_, in_window = (1U << bits) - 1;
  uint32_t *place = places_.data(), *step = steps_.data(), last = 0;
  const uint64_t last_chunk = list.end / chunk;
  for (uint64_t here = window, next = 0;; here = next) {
    const bool is_last = here == last_chunk;
    if (!is_last) ask_for(next = next_chunk_[here]);
    const uint16_t* const entries = entries_.get() + here * chunk;
    const uint64_t count = is_last ? list.end % chunk : chunk;
    for (uint64_t k = 0; k < count; ++k) {
      const uint32_t distance = entries[k] >> bits;
      *place = last += distance;
      *step = entries[k] & in_window;
      const bool there = distance != farther;
      place += there;
      step += there;
    }
    if (is_last) break;
  }
  places_.resize(list.samples);
  steps_.resize(list.samples);
}

/// A list's chunks lie anywhere in memory.
NCF_PREFETCHES void DueSamples::ask_for(uint64_t of_list) const {
  constexpr std::size_t line = 64;
  __builtin_prefetch(next_chunk_.get() + of_list);
  const auto* const entries = reinterpret_cast<const char*>(entries_.get() + of_list * chunk);
  for (std::size_t k = 0; k < chunk * sizeof(uint16_t); k += line) __builtin_prefetch(entries + k);
}

}  // namespace ncf
