#pragma once
/// Sums of vectors along the fixed binary tree of granules.hpp.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/util/granules.hpp"

namespace ncf {

/// to[i] = a[i] + b[i]; `to` may be `a`.
void add_vectors(int64_t n, const float* a, const float* b, float* to);
void add_vectors(int64_t n, const double* a, const double* b, double* to);

/// A subtree whose sum is known.
template <class T>
struct Term {
  Block block;
  const T* values = nullptr;
};

template <class T>
class SumTree {
 public:
  /// The sum of the terms (ascending, disjoint) under the node `root`, n values. What no term covers counts
  /// as zero. Returns where the sum is: a term's own memory when it is the only one, else `out`; null without
  /// terms. `out` must not be the memory of any term but the first.
  const T* sum(std::span<const Term<T>> terms, Block root, int64_t n, T* out) {
    if (terms.empty()) return nullptr;
    if (terms.size() == 1) return terms[0].values;
    const Block left{root.first, root.count / 2}, right{root.first + root.count / 2, root.count / 2};
    std::size_t split = 0;
    while (split < terms.size() && terms[split].block.first < right.first) ++split;
    const T* a = sum(terms.first(split), left, n, out);
    if (split == terms.size()) return a;
    if (a == nullptr) return sum(terms, right, n, out);
    const T* b = sum(terms.subspan(split), right, n, scratch(root.count, n));
    add_vectors(n, a, b, out);
    return out;
  }

 private:
  /// One buffer a level: a right subtree's sum lives there while its node is evaluated.
  T* scratch(int64_t count, int64_t n) {
    const auto level = static_cast<std::size_t>(std::bit_width(static_cast<uint64_t>(count)));
    if (levels_.size() <= level) levels_.resize(level + 1);
    if (levels_[level].size() < static_cast<std::size_t>(n))
      levels_[level].resize(static_cast<std::size_t>(n));
    return levels_[level].data();
  }

  std::vector<std::vector<T>> levels_;
};

}  // namespace ncf
