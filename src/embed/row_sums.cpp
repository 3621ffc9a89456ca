#include "ncf/embed/row_sums.hpp"

#include <algorithm>

#include "ncf/util/sum_tree.hpp"

namespace ncf {

void RowSums::begin(std::span<const int32_t> slots, std::span<const int64_t> bounds, MatrixView total) {
  granules_ = static_cast<int64_t>(bounds.size()) - 1;
  total_ = total;
  if (granules_ == 1) {
    terms_ = slots;
    values_ = total;
  } else {
    own_values_.reshape_aligned(cut_into_granules(slots, bounds), total.cols);
    terms_ = own_terms_;
    values_ = own_values_.view();
  }
  find_first(values_.rows);
}

void RowSums::find_first(int64_t rows) {
  first_.resize(terms_.size());
  seen_.assign(static_cast<std::size_t>(rows), 0);
  for (std::size_t k = 0; k < terms_.size(); ++k) {
    uint8_t& seen = seen_[static_cast<std::size_t>(terms_[k])];
    first_[k] = seen == 0 ? 1 : 0;
    seen = 1;
  }
}

/// Returns how many terms there are.
int64_t RowSums::cut_into_granules(std::span<const int32_t> slots, std::span<const int64_t> bounds) {
  own_terms_.resize(slots.size());
  of_granule_.assign(static_cast<std::size_t>(granules_ * total_.rows), -1);
  int32_t next = 0;
  for (std::size_t g = 0; g + 1 < bounds.size(); ++g) {
    int32_t* const term = of_granule_.data() + static_cast<int64_t>(g) * total_.rows;
    for (auto k = static_cast<std::size_t>(bounds[g]); k < static_cast<std::size_t>(bounds[g + 1]); ++k) {
      if (term[slots[k]] < 0) term[slots[k]] = next++;
      own_terms_[k] = term[slots[k]];
    }
  }
  return next;
}

void RowSums::finish(WorkerPool& pool) {
  if (granules_ == 1) return;
  // A granule that does not use a row counts as zeros: the tree is the same whoever holds which part of it.
  zeros_.assign(static_cast<std::size_t>(values_.cols), 0.0F);
  pool.share_out(total_.rows, [&](int64_t first, int64_t end) {
    SumTree tree;
    std::vector<const float*> nodes(static_cast<std::size_t>(granules_));
    for (int64_t u = first; u < end; ++u) {
      for (int64_t g = 0; g < granules_; ++g) {
        const int32_t term = of_granule_[static_cast<std::size_t>(g * total_.rows + u)];
        nodes[static_cast<std::size_t>(g)] = term < 0 ? zeros_.data() : values_.row(term);
      }
      tree.sum(nodes, values_.cols, total_.row(u));
    }
  });
}

}  // namespace ncf
