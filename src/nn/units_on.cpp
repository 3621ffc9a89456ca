// Eight columns at a time, which one instruction of AVX2 moves together or apart; AVX-512 can with sixteen,
// which was no quicker.
#include "ncf/nn/units_on.hpp"

#include <algorithm>
#include <cassert>

#include "lanes.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr int64_t group = 8;
using Eight = float __attribute__((vector_size(4 * group)));
using EightBits = int32_t __attribute__((vector_size(4 * group)));

/// v = from[...8]. Nothing is passed or returned by value: which registers do that depends on the instruction
/// set.
template <class V, class T>
NCF_INLINE void load(const T* from, V& v) {
  std::memcpy(&v, from, sizeof v);
}
NCF_INLINE void store(float* to, const Eight& v) {
  std::memcpy(to, &v, sizeof v);
}
/// Lane k of v becomes what was in lane from[k].
NCF_INLINE void permute(const int32_t* from, Eight& v) {
  EightBits lanes;
  load(from, lanes);
  v = __builtin_shuffle(v, lanes);
}
NCF_INLINE void keep(const int32_t* bits, Eight& v) {
  EightBits kept;
  load(bits, kept);
  v = reinterpret_cast<Eight>(reinterpret_cast<EightBits>(v) & kept);
}

/// Sets the bits of each unit that some row has bits of, but for its sign.
struct Find {
  ConstMatrixView y;
  int32_t* bits;  // [units, up to the end of their last vector]

  template <int N>
  NCF_INLINE void block(int64_t first) const {
    const Find job = *this;  // the compiler knows that no store changes it
    Bits any[N] = {};
    for (int64_t r = 0; r < job.y.rows; ++r) {
      const float* const row = job.y.row(r) + first;
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) {
        Bits of_row;
        std::memcpy(&of_row, row + j * lanes, sizeof of_row);
        any[j] |= of_row;
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      any[j] &= Bits{} + 0x7fffffff;
      std::memcpy(job.bits + first + j * lanes, &any[j], sizeof any[j]);
    }
  }
};
NCF_MULTIARCH void find(const Find& job) {
  in_blocks<8>(job, job.y.cols);
}

using Groups = std::span<const UnitsOn::Group>;

/// In place: no group is written behind its own end. Returns how many numbers are not zero.
NCF_MULTIARCH int64_t move(Groups groups, MatrixView y) {
  EightBits present = {};
  for (int64_t r = 0; r < y.rows; ++r) {
    float *const to = y.row(r), *from = to;
    for (const UnitsOn::Group& g : groups) {
      Eight v;
      EightBits on;
      load(from, v);
      load(g.on, on);
      present -= (v != 0) & on;
      permute(g.together, v);
      store(to + g.first, v);
      from += group;
    }
  }
  int64_t sum = 0;
  for (int k = 0; k < group; ++k) sum += present[k];
  return sum;
}

/// From the last group to the first, so that nothing is overwritten before it is read.
NCF_MULTIARCH void mask_and_move_back(Groups groups, ConstMatrixView y, MatrixView dy) {
  for (int64_t r = 0; r < y.rows; ++r) {
    const float* const value = y.row(r);
    float *const slope = dy.row(r), *to = slope + std::ssize(groups) * group;
    for (auto g = groups.rbegin(); g != groups.rend(); ++g) {
      Eight v, d;
      load(value + g->first, v);
      load(slope + g->first, d);
      d = v > 0 ? d : Eight{};
      permute(g->apart, d);
      keep(g->on, d);
      store(to -= group, d);
    }
  }
}

NCF_MULTIARCH void take(Groups groups, ConstMatrixView from, MatrixView to) {
  for (int64_t r = 0; r < from.rows; ++r) {
    const float* row = from.row(r);
    for (const UnitsOn::Group& g : groups) {
      Eight v;
      load(row, v);
      permute(g.together, v);
      store(to.row(r) + g.first, v);
      row += group;
    }
  }
}

NCF_MULTIARCH void add(Groups groups, ConstMatrixView from, MatrixView to) {
  for (int64_t r = 0; r < from.rows; ++r) {
    float* row = to.row(r);
    for (const UnitsOn::Group& g : groups) {
      Eight v, sum;
      load(from.row(r) + g.first, v);
      load(row, sum);
      permute(g.apart, v);
      keep(g.on, v);
      store(row, sum + v);
      row += group;
    }
  }
}

}  // namespace

bool leaving_out_pays(int64_t samples) {
  constexpr int64_t enough = 48;
  return samples >= enough && has_avx2() &&
         multiplier() != Multiplier::tiles;  // for which it was not measured
}

bool UnitsOn::find(ConstMatrixView y, double most) {
  assert(in_lanes(y));
  bits_.resize(static_cast<std::size_t>((y.cols + lanes - 1) / lanes * lanes));
  ncf::find({y, bits_.data()});
  groups_.assign(static_cast<std::size_t>((y.cols + group - 1) / group), Group());
  unit_.clear();
  for (std::size_t u = 0; u < static_cast<std::size_t>(y.cols); ++u) {
    Group& g = groups_[u / group];
    const std::size_t lane = u % group;
    if (lane == 0) g.first = static_cast<int32_t>(unit_.size());
    if (bits_[u] == 0) continue;
    const std::size_t place = unit_.size() - static_cast<std::size_t>(g.first);
    g.together[place] = static_cast<int32_t>(lane);
    g.apart[lane] = static_cast<int32_t>(place);
    g.on[lane] = -1;
    unit_.push_back(static_cast<int32_t>(u));
  }
  return count() > 0 && static_cast<double>(count()) <= most * static_cast<double>(y.cols);
}

Zeros UnitsOn::move_together(MatrixView y) const {
  return 3 * move(groups_, y) > 2 * y.rows * count() ? Zeros::few : Zeros::many;
}

void UnitsOn::relu_backward(ConstMatrixView y, MatrixView dy) const {
  mask_and_move_back(groups_, y, dy);
}

std::span<const UnitsOn::Group> UnitsOn::whole_groups(ConstMatrixView apart, ConstMatrixView together) const {
  auto whole = static_cast<std::size_t>(apart.cols / group);
  while (whole > 0 && groups_[whole - 1].first + group > together.stride) --whole;
  return std::span(groups_).first(whole);
}

void UnitsOn::take_columns(ConstMatrixView from, MatrixView to) const {
  const auto whole = whole_groups(from, to);
  take(whole, from, to);
  const std::size_t rest =
      whole.size() < groups_.size() ? static_cast<std::size_t>(groups_[whole.size()].first) : unit_.size();
  for (int64_t r = 0; r < to.rows; ++r)
    for (std::size_t k = rest; k < unit_.size(); ++k) to.row(r)[k] = from.row(r)[unit_[k]];
}

void UnitsOn::add_columns(ConstMatrixView from, MatrixView to) const {
  const auto whole = whole_groups(to, from);
  add(whole, from, to);
  const std::size_t rest =
      whole.size() < groups_.size() ? static_cast<std::size_t>(groups_[whole.size()].first) : unit_.size();
  for (int64_t r = 0; r < from.rows; ++r)
    for (std::size_t k = rest; k < unit_.size(); ++k) to.row(r)[unit_[k]] += from.row(r)[k];
}

void take_part(ConstMatrixView from, const UnitsOn* rows, const UnitsOn* cols, Matrix& to) {
  to.reshape_aligned(rows != nullptr ? rows->count() : from.rows,
                     cols != nullptr ? cols->count() : from.cols);
  if (rows == nullptr && cols != nullptr) return cols->take_columns(from, to.view());
  for (int64_t r = 0; r < to.rows(); ++r) {
    const ConstMatrixView row =
        from.rows_from(rows != nullptr ? rows->unit()[static_cast<std::size_t>(r)] : r, 1);
    cols != nullptr ? cols->take_columns(row, to.view().rows_from(r, 1))
                    : void(std::copy_n(row.data, row.cols, to.row(r)));
  }
}

void add_part(ConstMatrixView from, const UnitsOn* rows, const UnitsOn* cols, MatrixView to) {
  if (rows == nullptr && cols != nullptr) return cols->add_columns(from, to);
  for (int64_t r = 0; r < from.rows; ++r) {
    const MatrixView row = to.rows_from(rows != nullptr ? rows->unit()[static_cast<std::size_t>(r)] : r, 1);
    if (cols != nullptr)
      cols->add_columns(from.rows_from(r, 1), row);
    else
      for (int64_t c = 0; c < from.cols; ++c) row.data[c] += from.row(r)[c];
  }
}

}  // namespace ncf
