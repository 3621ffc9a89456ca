#pragma once
/// How a batch is cut into granules, which rank computes which, and in which order sums over a batch are
/// taken.
///
/// With a fixed number of granules the order does not depend on the number of ranks: samples are added within
/// a granule in their global order, granules in one fixed binary tree. A rank adds up the largest whole
/// subtrees it holds (its blocks: one block when the number of ranks divides the number of granules, a few
/// otherwise); what is left of the tree is evaluated across ranks.

#include <bit>
#include <cstdint>
#include <vector>

namespace ncf {

/// A whole subtree: granules [first, first + count), count a power of two, first a multiple of count.
struct Block {
  int64_t first = 0;
  int64_t count = 1;
};

struct Granules {
  int64_t count = 1;  ///< of the whole batch; with fixed_order a power of two
  int64_t world = 1;
  bool fixed_order = false;

  /// One granule a rank: the fastest, its sums depend on the number of ranks.
  static Granules one_a_rank(int64_t world) { return {world, world, false}; }
  /// The same sums on any number of ranks. Ranks beyond `count` have nothing to compute.
  static Granules fixed(int64_t count, int64_t world) { return {count, world, true}; }

  /// First granule of a rank; of rank `world`: one past the last.
  int64_t first(int64_t rank) const { return count / world * rank + count % world * rank / world; }
  int64_t of_rank(int64_t rank) const { return first(rank + 1) - first(rank); }
  /// Where a granule starts in a batch of this many samples.
  int64_t sample(int64_t batch, int64_t granule) const {
    return batch / count * granule + batch % count * granule / count;
  }
  /// Where a rank's part of a batch starts.
  int64_t part(int64_t batch, int64_t rank) const { return sample(batch, first(rank)); }
  /// Leaves of the tree: count, rounded up to a power of two.
  int64_t leaves() const { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(count))); }

  /// A rank's granules as the fewest blocks, ascending.
  std::vector<Block> blocks(int64_t rank) const {
    std::vector<Block> out;
    for (int64_t at = first(rank), end = first(rank + 1); at < end; at += out.back().count) {
      int64_t size = at == 0 ? leaves() : at & -at;  // the largest that starts here
      while (at + size > end) size /= 2;
      out.push_back({at, size});
    }
    return out;
  }
};

}  // namespace ncf
