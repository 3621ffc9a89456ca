#include "ncf/train/due_samples.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "ncf/util/divisor.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr uint16_t farther = UINT16_MAX;
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

  reserve(windows.count());
  std::array<uint32_t, block> of;  // windows
  for (uint64_t begin = 0; begin < count; begin += block) {
    const std::size_t here = std::min(block, count - begin);
    std::iota(positions_.begin(), positions_.begin() + here, first + begin);
    find(here, 0, windows.batch_size * windows.a_window, of.data());
    for (std::size_t k = 0; k < here; ++k)
      if (of[k] < lists_.size()) put(lists_[of[k]], begin + k);  // others: positions not used
  }
}

/// Of the first `count` numbers in positions_: which multiple of `by`, from position `begin` on, they are
/// due in.
void DueSamples::find(std::size_t count, uint64_t begin, uint64_t by, uint32_t* out) {
  order_.forward(std::span(positions_).first(count));
  quotients(positions_.data(), count, begin, by, out);
}

/// Room for all distances, whatever windows they are of, with one that is `farther` for every so many places
/// at most in each.
void DueSamples::reserve(uint64_t windows) {
  const uint64_t distances = count_ + windows * (count_ / farther),
                 chunks = (distances + chunk - 1) / chunk + windows;
  if (chunks > room_) {
    distances_ = std::make_unique_for_overwrite<uint16_t[]>(chunks * chunk);
    next_chunk_ = std::make_unique_for_overwrite<uint32_t[]>(chunks);
    room_ = chunks;
  }
  for (uint64_t w = 0; w < windows; ++w) lists_.push_back({w * chunk, 0});
  used_ = windows;
}

inline void DueSamples::put(List& list, uint64_t place) {
  uint64_t distance = place - list.last;
  list.last = place;
  for (; distance >= farther; distance -= farther) append(list, farther);
  append(list, static_cast<uint16_t>(distance));
}

inline void DueSamples::append(List& list, uint16_t distance) {
  distances_[list.end++] = distance;
  if (list.end % chunk != 0) return;
  next_chunk_[list.end / chunk - 1] = static_cast<uint32_t>(used_);
  list.end = chunk * used_++;
}

DueSamples::Due DueSamples::in(uint64_t window) {
  const bool all = lists_.empty();
  if (!all) read(lists_[window], window);
  const std::size_t count = all ? count_ : places_.size();
  steps_.resize(count);
  for (std::size_t k = 0; k < count; k += block) {
    const std::size_t here = std::min(block, count - k);
    if (all)
      std::iota(positions_.begin(), positions_.begin() + here, first_ + k);
    else
      for (std::size_t j = 0; j < here; ++j) positions_[j] = first_ + places_[k + j];
    find(here, window * windows_.a_window * windows_.batch_size, windows_.batch_size, &steps_[k]);
  }
  return {all, places_, steps_};
}

void DueSamples::read(const List& list, uint64_t window) {
  places_.clear();
  uint64_t place = 0;
  for (uint64_t at = window * chunk; at != list.end;) {
    const uint16_t distance = distances_[at++];
    place += distance;
    if (distance != farther) places_.push_back(static_cast<uint32_t>(place));
    if (at % chunk == 0) at = chunk * next_chunk_[at / chunk - 1];
  }
}

}  // namespace ncf
