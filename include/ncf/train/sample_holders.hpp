#pragma once
/// Which rank holds a training sample: the ranks hold the samples in the order of their numbers, each as many
/// as its users have.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ncf {

class SampleHolders {
 public:
  SampleHolders() = default;
  /// `firsts` [ranks]: the number of each rank's first sample; `total`: of all samples.
  SampleHolders(std::vector<int64_t> firsts, int64_t total) : bounds_(std::move(firsts)) {
    // Below its true value: the last sample is still the last rank's.
    ranks_a_sample_ = static_cast<double>(bounds_.size()) / (static_cast<double>(total) + 0.5);
    bounds_.push_back(total);
  }

  std::size_t ranks() const { return bounds_.size() - 1; }
  uint64_t first(std::size_t rank) const { return static_cast<uint64_t>(bounds_[rank]); }
  uint64_t end(std::size_t rank) const { return static_cast<uint64_t>(bounds_[rank + 1]); }

  std::size_t of(uint64_t number) const {
    // Ranks hold about equally many: the guess is nearly always right.
    const auto guess = static_cast<std::size_t>(static_cast<double>(number) * ranks_a_sample_);
    if (first(guess) <= number && number < end(guess)) return guess;
    return static_cast<std::size_t>(
        std::upper_bound(bounds_.begin(), bounds_.end(), static_cast<int64_t>(number)) - bounds_.begin() - 1);
  }

 private:
  std::vector<int64_t> bounds_{0};  // [ranks + 1]
  double ranks_a_sample_ = 0;
};

}  // namespace ncf
