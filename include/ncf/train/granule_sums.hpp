#pragma once
/// Sums over a batch of what every rank needs whole: dense gradients and batch statistics. Granules of a rank
/// are added along the tree of granules.hpp; with a fixed order the ranks' sums too, so that their bits do
/// not depend on the number of ranks, else by all-reduce.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/shared_sum.hpp"
#include "ncf/nn/parameters.hpp"
#include "ncf/util/granules.hpp"
#include "ncf/util/sum_tree.hpp"

namespace ncf {

class GranuleSums {
 public:
  explicit GranuleSums(Granules granules) : granules_(granules) {}

  /// Two ranks of one host sum up through memory that they share, where the order is not fixed: gradients are
  /// kept there from now on. Collective.
  void share_memory(Communicator& comm, DenseParameters& parameters);

  /// Sets the total of the parameters' gradients: these summed over the granules of all ranks. In a fixed
  /// order by an all-to-all of slices, a sum of each slice, and an all-gather: the traffic of an all-reduce.
  /// Collective.
  void gradients(Communicator& comm, DenseParameters& parameters);

  /// parts [granules here × n] → total [n] over all ranks. For batch statistics: few values. Collective.
  void statistics(Communicator& comm, std::span<const double> parts, std::span<double> total);

 private:
  void sum_slices(Communicator& comm, std::span<float> total);

  Granules granules_;
  std::unique_ptr<SharedSum> shared_;
  SumTree tree_;
  std::vector<const float*> nodes_;
  std::vector<const double*> double_nodes_;
  std::vector<float> received_, slice_, gathered_;
};

}  // namespace ncf
