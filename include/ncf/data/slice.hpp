#pragma once
/// Which part of a shared job is ours. What the data layer gets in place of a communicator.

#include <cstdint>

namespace ncf {

struct Slice {
  int64_t rank = 0;
  int64_t world = 1;

  /// The part [first(n), last(n)) of n things: contiguous, in rank order, sizes differ by at most one.
  int64_t first(int64_t n) const { return n / world * rank + n % world * rank / world; }
  int64_t last(int64_t n) const { return Slice{rank + 1, world}.first(n); }
};

}  // namespace ncf
