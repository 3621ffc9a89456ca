#pragma once
/// Brings samples by their numbers: those that this rank holds as they are, the others after one question to
/// each rank. A few bytes go there, a dozen come back.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/ratings.hpp"
#include "ncf/train/sample_holders.hpp"
#include "ncf/train/sample_lookup.hpp"

namespace ncf {

class SampleFetcher {
 public:
  /// `train`: this rank's samples, fewer than 2^32. Collective, as fetch().
  void begin(Communicator& comm, const Samples& train);
  /// The samples with these numbers, in this order. `train` as for begin().
  void fetch(Communicator& comm, const Samples& train, std::span<const uint64_t> numbers, SampleColumns& out);

 private:
  /// Samples [first, end) of those asked for that follow each other and are held by one rank.
  struct Run {
    std::size_t rank = 0;
    std::size_t first = 0, end = 0;
  };
  void find_runs(std::span<const uint64_t> numbers);
  void ask(Communicator& comm, const Samples& train, std::span<const uint64_t> numbers);

  SampleHolders holders_;
  std::vector<Run> runs_;
  std::vector<int64_t> starts_;              // [ranks]: first of requests_ and delivered_ that is each one's
  std::vector<uint32_t> requests_;           // samples of other ranks, by rank
  std::vector<Sample> replies_, delivered_;  // to and from other ranks
};

}  // namespace ncf
