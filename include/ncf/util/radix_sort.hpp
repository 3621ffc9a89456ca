#pragma once
/// Sorting of the few thousand numbers of a batch, several times faster than by comparing.

#include <cstdint>
#include <vector>

namespace ncf {

/// Sorts by the high half, whose values are below `bound`; keys that are equal there keep their order, or,
/// when there are few keys, come in the order of their low halves. `scratch` is memory to use again.
void sort_by_high_half(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, uint64_t bound);

}  // namespace ncf
