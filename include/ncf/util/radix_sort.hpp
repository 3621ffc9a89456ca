#pragma once
/// Sorting of the few thousand numbers of a batch, several times faster than by comparing.

#include <cstdint>
#include <vector>

namespace ncf {

/// Sorts by the bits from `first_bit` on, whose values are below `bound`; keys that are equal there keep
/// their order, or, when there are few keys, come in the order of their other bits. `scratch` is memory to
/// use again.
void sort_by_bits(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, int first_bit, uint64_t bound);

}  // namespace ncf
