#pragma once
/// How a batch is cut into granules, which rank computes which, and in which order sums over a batch are
/// taken.
///
/// A granule is what is added up in one go; granules are added along one complete binary tree. With a fixed
/// number of them, a power of two, the order does not depend on the number of ranks, which must divide it:
/// every rank holds a whole subtree. The rows of tables fall into the same subtrees (TableRoutes): row i
/// belongs to rank i mod P, and class i mod `count` of rows is leaf bit_reversed(class), so that a rank's
/// classes are its subtree at every P. That is why rank r holds subtree bit_reversed(r) of P, not r.

#include <algorithm>
#include <bit>
#include <cstdint>

namespace ncf {

struct Granules {
  int64_t count = 1;  ///< of the whole batch
  int64_t world = 1;
  bool fixed_order = false;

  /// The fastest: so many granules a rank as it computes side by side. Sums depend on the number of ranks.
  static Granules of_each_rank(int64_t world, int64_t a_rank = 1) { return {world * a_rank, world, false}; }
  /// The same sums on any number of ranks that divides `count`, a power of two.
  static Granules fixed(int64_t count, int64_t world) { return {count, world, true}; }

  int64_t a_rank() const { return count / world; }
  /// Which of the P equal subtrees a rank holds, and which rank holds a subtree.
  int64_t subtree(int64_t rank) const { return fixed_order ? reversed(rank, world) : rank; }
  int64_t rank_of_subtree(int64_t subtree) const { return fixed_order ? reversed(subtree, world) : subtree; }
  /// Where a granule of a batch of this many samples starts; `granule` may be count: the batch's end.
  int64_t sample(int64_t batch, int64_t granule) const {
    return batch / count * granule + batch % count * granule / count;
  }
  /// Where a rank's part of a batch starts and how many samples it has.
  int64_t part(int64_t batch, int64_t rank) const { return sample(batch, subtree(rank) * a_rank()); }
  int64_t part_size(int64_t batch, int64_t rank) const {
    return sample(batch, (subtree(rank) + 1) * a_rank()) - part(batch, rank);
  }
  /// The leaf, among this rank's granules, of the rows of class `k` of its a_rank() classes.
  int64_t leaf_of_class(int64_t k) const { return fixed_order ? reversed(k, a_rank()) : k; }

  /// The bits of x, which is below n, a power of two, in reverse order.
  static int64_t reversed(int64_t x, int64_t n) {
    int64_t out = 0;
    for (int64_t bit = 1; bit < n; bit *= 2) out = out * 2 + ((x & bit) != 0 ? 1 : 0);
    return out;
  }
};

/// How many of these ranks can share so many granules equally: the largest power of two that is not above
/// either.
inline int64_t ranks_for_granules(int64_t granules, int64_t ranks) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::min(granules, ranks))));
}

}  // namespace ncf
