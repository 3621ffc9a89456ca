#pragma once
/// Which of the samples that a rank holds are due in which steps of an epoch. Each rank finds that out for
/// its own samples, with the permutation's forward direction: nobody has to be asked for them, and they come
/// in the order of their numbers.
///
/// An epoch is gone through a window of steps at a time. Which samples are due in a window is found once an
/// epoch and kept as the distances from one number to the next, in two bytes each, with the step in the
/// window where there is room for it; nothing is kept where one window is the whole epoch.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ncf/data/permutation.hpp"

namespace ncf {

class DueSamples {
 public:
  /// What is kept of a sample here through an epoch of more than one window.
  static constexpr std::size_t bytes_a_sample = 2;

  /// How positions of an epoch fall into steps, and steps into windows.
  struct Windows {
    uint64_t batch_size = 1;  // positions a step
    uint64_t steps = 0;       // of the epoch; positions beyond them are not used
    uint64_t a_window = 1;    // steps

    uint64_t count() const { return (steps + a_window - 1) / a_window; }
  };

  /// Turns to an epoch in this order. This rank holds the samples with the numbers [first, first + count),
  /// count <= 2^32.
  void begin(const Permutation& order, uint64_t first, uint64_t count, Windows windows);

  /// The samples here that are due in a window: in the order of their numbers, each one's step, from 0 in the
  /// window. Those of the epoch's last window that are not used at all have steps that it has not. Valid
  /// until the next call.
  struct Due {
    bool all;                          // every sample here is among them
    std::span<const uint32_t> places;  // number - first of each; empty when `all`
    std::span<const uint32_t> steps;
  };
  Due in(uint64_t window);

 private:
  /// Samples whose positions are worked out together: they stay in the first cache.
  static constexpr uint64_t block = 2048;
  /// A window's samples in chunks, which form a list: of each the distance from the one before, and in the
  /// lowest step_bits_ its step.
  static constexpr std::size_t chunk = 128;
  struct List {
    uint64_t end;      // where its next distance goes
    uint64_t last;     // place
    uint64_t samples;  // so far
  };
  void choose_steps_kept();
  void reserve();
  void put(List& list, uint64_t place, uint32_t step);
  void append(List& list, uint16_t entry);
  void read(const List& list, uint64_t window);
  void ask_for(uint64_t of_list) const;
  void find_steps(uint64_t window);
  void find(std::size_t count, uint64_t begin, uint32_t* out);

  Permutation order_{0, 0, Purpose::epoch_order, 0};
  uint64_t first_ = 0, count_ = 0;
  Windows windows_;
  bool steps_kept_ = false;  // in the lists; else they are worked out again
  int step_bits_ = 0;
  uint16_t farther_ = 0;                    // a distance of that many, at which there is no sample yet
  std::vector<List> lists_;                 // [windows]; the first chunk of list w is chunk w
  std::unique_ptr<uint16_t[]> entries_;     // [chunks × chunk]
  std::unique_ptr<uint32_t[]> next_chunk_;  // [chunks]
  uint64_t room_ = 0, used_ = 0;            // chunks
  std::array<uint64_t, block> positions_;   // or numbers, of samples just looked at
  std::vector<uint32_t> places_, steps_;
};

}  // namespace ncf
