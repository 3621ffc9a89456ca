#pragma once
/// Rows that lie anywhere in memory larger than the caches, where no processor foresees which is next.

#include <cstdint>

namespace ncf {

/// Before a function that prefetches: the compiler may take one for a function without effects, and leave out
/// its calls, where it does not make it part of the caller first.
#define NCF_PREFETCHES __attribute__((always_inline)) inline

/// Asks for `count` floats ahead of their use; they arrive meanwhile, in the second cache: a core waits for
/// more lines at once than its first cache would take.
NCF_PREFETCHES void prefetch(const float* from, int64_t count) {
  constexpr int64_t line = 16;  // floats of a cache line
  constexpr int to_read = 0, second_cache = 2;
  for (int64_t k = 0; k < count; k += line) __builtin_prefetch(from + k, to_read, second_cache);
}

}  // namespace ncf
