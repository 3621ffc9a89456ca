#pragma once
/// A snapshot with a copy of all it looks at, so that training may go on while it is written. The copies'
/// memory is kept for the next one.

#include <cstdint>
#include <string>
#include <vector>

#include "ncf/checkpoint/snapshot.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

class HeldSnapshot {
 public:
  /// Copies tables and dense parameters. Vocabularies are not copied: they must stay and not change.
  void hold(const Snapshot& snapshot);
  /// Copies nothing: what the snapshot looks at must stay and not change.
  void look_at(const Snapshot& snapshot) { snapshot_ = snapshot; }
  const Snapshot& snapshot() const { return snapshot_; }
  int64_t memory_bytes() const;

 private:
  Snapshot snapshot_;
  std::vector<AlignedVector<float>> floats_;
  std::vector<std::vector<int64_t>> steps_;
};

/// The first dataset of the snapshot with a value (weight or moment) that is not finite; empty: there is
/// none.
std::string first_not_finite(const Snapshot& snapshot);

}  // namespace ncf
