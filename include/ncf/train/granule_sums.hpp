#pragma once
/// Sums over a batch of what every rank needs whole: dense gradients and batch statistics. With a fixed order
/// they are taken along the tree of granules.hpp, so that their bits do not depend on the number of ranks;
/// else by all-reduce.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/nn/parameters.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/sum_tree.hpp"

namespace ncf {

class GranuleSums {
 public:
  GranuleSums(Granules granules, int64_t rank);

  /// Granule 0's gradients become the sum over the granules of all ranks. In a fixed order by an all-to-all
  /// of slices, a sum of each slice, and an all-gather: the traffic of an all-reduce. Collective.
  void gradients(Communicator& comm, DenseParameters& parameters);

  /// parts [granules here × n] → total [n] over all ranks. For batch statistics: few values. Collective.
  void statistics(Communicator& comm, std::span<const double> parts, std::span<double> total);

 private:
  const std::vector<Block>& blocks(std::size_t rank) const { return blocks_[rank]; }
  void exchange_slices(Communicator& comm, std::span<const float* const> sums, std::span<float> total);

  Granules granules_;
  std::size_t rank_ = 0;
  std::vector<std::vector<Block>> blocks_;  // [ranks]
  std::size_t rounds_ = 1;                  // the most blocks a rank has
  SumTree<float> floats_;
  SumTree<double> doubles_;
  std::vector<std::vector<float>> block_sums_, received_;
  std::vector<float> slice_, gathered_;
};

}  // namespace ncf
