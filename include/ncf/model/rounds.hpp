#pragma once
/// The order in which a rank computes its samples, and how it is cut into parts whose rows may arrive one
/// after the other: granules side by side, worker w the granules w, w + workers, … (WorkerPool::run), each of
/// them in rounds of `micro_batch` samples.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace ncf {

struct Rounds {
  int64_t micro_batch = 0;  ///< 0: all samples at once
  int64_t workers = 1;

  /// Of a worker that has most of them, for a rank with so many granules, the largest of so many samples.
  int64_t count(int64_t granules, int64_t largest) const {
    return micro_batch == 0 ? 1 : (granules + workers - 1) / workers * of_granule(largest);
  }

  /// of_sample[k] = the part of sample k when `rounds` of them fall into `parts` equal ones. Within a granule
  /// they ascend. `bounds` as in BatchView.
  void parts(std::span<const int64_t> bounds, int64_t rounds, int64_t parts,
             std::vector<uint8_t>& of_sample) const {
    of_sample.resize(static_cast<std::size_t>(bounds.back() - bounds.front()));
    std::vector<int64_t> done(static_cast<std::size_t>(workers), 0);  // rounds
    for (std::size_t g = 0; g + 1 < bounds.size(); ++g) {
      int64_t& round = done[g % done.size()];
      for (int64_t at = bounds[g]; at < bounds[g + 1]; at += micro_batch, ++round) {
        const int64_t part = std::min(round * parts / rounds, parts - 1);
        std::fill_n(of_sample.begin() + (at - bounds.front()), std::min(micro_batch, bounds[g + 1] - at),
                    static_cast<uint8_t>(part));
      }
    }
  }

 private:
  int64_t of_granule(int64_t samples) const { return (samples + micro_batch - 1) / micro_batch; }
};

}  // namespace ncf
