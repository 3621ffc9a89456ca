#pragma once
/// Whether communicating beside the computation makes steps quicker depends on the network, on cores that are
/// free, and on the model; the bits are the same either way. So a run tries both by turns in its first steps
/// and keeps what was quicker.

#include <array>
#include <cstdint>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"

namespace ncf {

class OverlapTrial {
 public:
  static constexpr int64_t turn =
      8;  ///< steps in a row of one kind; the first of them, which changes over, does not count
  static constexpr int64_t turns = 4;  ///< of each kind

  /// `trial` false: all steps are as `beside` says.
  OverlapTrial(bool trial, bool beside) : trying_(trial), beside_(!trial && beside) {}
  /// As comm.overlap says: `auto` tries where overlapping can gain (overlaps(), learner.hpp).
  OverlapTrial(const Config& config, const Communicator& comm);

  bool trying() const { return trying_; }
  /// How the next step is to be made, the same on all ranks.
  bool beside() const { return beside_; }
  /// `seconds` that a step took on this rank. Collective at the end of the trial: the slowest rank's times
  /// decide.
  void after_step(Communicator& comm, double seconds);

 private:
  bool trying_ = false, beside_ = false;
  int64_t steps_ = 0;
  std::array<std::vector<double>, 2> times_;  // before and after, beside
};

}  // namespace ncf
