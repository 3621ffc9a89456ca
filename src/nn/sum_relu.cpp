// A block of columns stays in vector registers while sample follows sample, and the samples of a user, which
// stand together (epoch_samples.hpp), load and store the user's row once.
#include "ncf/nn/sum_relu.hpp"

#include "lanes.hpp"
#include "ncf/util/prefetch.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr int64_t ahead = 4;  // samples whose rows of b are asked for meanwhile
constexpr int widest = 8;     // vectors of a block: so many sums, and what is added to them, are in registers

struct Forward {
  ConstMatrixView a, b;
  const int32_t *of_a, *of_b;
  MatrixView y;

  template <int N>
  NCF_INLINE void block(int64_t first) const {
    const Forward job = *this;  // the compiler knows that no store changes it
    for (int64_t r = 0; r < job.y.rows; ++r) {
      const float* from_a = job.a.row(job.of_a[r]) + first;
      const float* from_b = job.b.row(job.of_b[r]) + first;
      float* to = job.y.row(r) + first;
      if (r + ahead < job.y.rows) prefetch(job.b.row(job.of_b[r + ahead]) + first, N * lanes);
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) {
        Lanes p, q;
        read(from_a + j * lanes, p);
        read(from_b + j * lanes, q);
        p += q;
        p = p < 0 ? Lanes{} : p;  // a NaN stays one
        write(to + j * lanes, p);
      }
    }
  }
};

/// The sum so far: nothing before the first term, whatever stands there.
NCF_INLINE void read_sum(const float* from, uint8_t is_first, Lanes& sum) {
  read(from, sum);
  keep(sum, Bits{} + (static_cast<int32_t>(is_first) - 1));
}

struct Backward {
  ConstMatrixView y, dy;
  const int32_t *to_a, *to_b;
  const uint8_t *first_a, *first_b;
  MatrixView a, b;
  Bits last;  // which lanes of the last vector are columns

  template <int N>
  NCF_INLINE void block(int64_t first) const {
    y.data == nullptr ? block<N, false>(first) : block<N, true>(first);
  }
  template <int N, bool masks>
  NCF_INLINE void block(int64_t first) const {
    const Backward job = *this;  // the compiler knows that no store changes it
    const bool at_end = first + N * lanes >= job.dy.cols;
    Bits columns = ~Bits{};  // of the block's last vector
    if (at_end) columns = job.last;
    for (int64_t r = 0; r < job.dy.rows;) {
      const int32_t row = job.to_a[r];
      Lanes sums[N];
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) read_sum(job.a.row(row) + first + j * lanes, job.first_a[r], sums[j]);
      for (; r < job.dy.rows && job.to_a[r] == row; ++r) {
        const float* value = masks ? job.y.row(r) + first : nullptr;
        const float* slope = job.dy.row(r) + first;
        float* other = job.b.row(job.to_b[r]) + first;
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) {
          Lanes d, sum;
          read(slope + j * lanes, d);
          read_sum(other + j * lanes, job.first_b[r], sum);
          if constexpr (masks) {
            Lanes v;
            read(value + j * lanes, v);
            d = v > 0 ? d : Lanes{};
          }
          if (j == N - 1) keep(d, columns);
          sums[j] += d;
          sum += d;
          write(other + j * lanes, sum);
        }
      }
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) write(job.a.row(row) + first + j * lanes, sums[j]);
    }
  }
};

NCF_MULTIARCH void forward_in_blocks(const Forward& job) {
  in_blocks<widest>(job, job.y.cols);
}
NCF_MULTIARCH void backward_in_blocks(const Backward& job) {
  in_blocks<widest>(job, job.dy.cols);
}

/// The same for rows of any stride.
void forward_plainly(const Forward& job) {
  for (int64_t r = 0; r < job.y.rows; ++r)
    for (int64_t i = 0; i < job.y.cols; ++i) {
      const float sum = job.a(job.of_a[r], i) + job.b(job.of_b[r], i);
      job.y(r, i) = sum < 0 ? 0 : sum;
    }
}
void backward_plainly(const Backward& job) {
  for (int64_t r = 0; r < job.dy.rows; ++r)
    for (int64_t i = 0; i < job.dy.cols; ++i) {
      const float d = job.y.data == nullptr || job.y(r, i) > 0 ? job.dy(r, i) : 0;
      float &sum_a = job.a(job.to_a[r], i), &sum_b = job.b(job.to_b[r], i);
      sum_a = job.first_a[r] != 0 ? d : sum_a + d;
      sum_b = job.first_b[r] != 0 ? d : sum_b + d;
    }
}

}  // namespace

void sum_relu_forward(ConstMatrixView a, ConstMatrixView b, std::span<const int32_t> of_a,
                      std::span<const int32_t> of_b, MatrixView y) {
  const Forward job{a, b, of_a.data(), of_b.data(), y};
  in_lanes(a) && in_lanes(b) && in_lanes(y) ? forward_in_blocks(job) : forward_plainly(job);
}

void sum_relu_backward(ConstMatrixView y, ConstMatrixView dy, RowTerms a, RowTerms b, MatrixView da,
                       MatrixView db) {
  Backward job{y, dy, a.to.data(), b.to.data(), a.first.data(), b.first.data(), da, db, {}};
  last_columns(dy.cols, job.last);
  in_lanes(y) && in_lanes(dy) && in_lanes(da) && in_lanes(db) ? backward_in_blocks(job)
                                                              : backward_plainly(job);
}

}  // namespace ncf
