#pragma once
/// Row-major matrices: `Matrix` owns (64-byte aligned, so vector loads never split a cache line at a row 0),
/// `MatrixView` and `ConstMatrixView` look at someone else's memory and are passed by value, never stored.
/// `AlignedVector` is what owns large memory anywhere (pages.hpp).

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "ncf/util/pages.hpp"

namespace ncf {

/// A view of `rows` × `cols` values; row r starts at data + r * stride.
template <class T>
struct BasicMatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  BasicMatrixView() = default;
  BasicMatrixView(T* d, int64_t r, int64_t c) : data(d), rows(r), cols(c), stride(c) {}
  BasicMatrixView(T* d, int64_t r, int64_t c, int64_t s) : data(d), rows(r), cols(c), stride(s) {}
  /// A mutable view is a const view.
  template <class U>
  requires(std::is_same_v<T, const U>) BasicMatrixView(BasicMatrixView<U> v)
      : data(v.data), rows(v.rows), cols(v.cols), stride(v.stride) {}

  T* row(int64_t r) const { return data + r * stride; }
  T& operator()(int64_t r, int64_t c) const { return data[r * stride + c]; }
  BasicMatrixView rows_from(int64_t first, int64_t count) const { return {row(first), count, cols, stride}; }
  BasicMatrixView cols_from(int64_t first, int64_t count) const {
    return {data + first, rows, count, stride};
  }
};

using MatrixView = BasicMatrixView<float>;
using ConstMatrixView = BasicMatrixView<const float>;

/// A float matrix that only ever grows its memory: made once, reshaped every step.
class Matrix {
 public:
  Matrix() = default;
  Matrix(int64_t rows, int64_t cols) { reshape(rows, cols); }
  /// Changes the shape, rows without gaps; the values are unspecified afterwards, zero in a matrix that had
  /// none before.
  void reshape(int64_t rows, int64_t cols) { reshape(rows, cols, cols); }
  /// The same, every row beginning on a cache line: what computes on rows one by one, or multiplies them, is
  /// about a tenth faster, and the gaps take memory.
  void reshape_aligned(int64_t rows, int64_t cols) { reshape(rows, cols, (cols + line - 1) / line * line); }
  void fill(float value) { std::fill_n(values_.data(), rows_ * stride_, value); }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  float* row(int64_t r) { return values_.data() + r * stride_; }
  const float* row(int64_t r) const { return values_.data() + r * stride_; }
  MatrixView view() { return {values_.data(), rows_, cols_, stride_}; }
  ConstMatrixView view() const { return {values_.data(), rows_, cols_, stride_}; }
  // All values; of a matrix whose rows have no gaps.
  float* data() { return values().data(); }
  const float* data() const { return values().data(); }
  std::span<float> values() {
    assert(stride_ == cols_);
    return {values_.data(), static_cast<std::size_t>(rows_ * cols_)};
  }
  std::span<const float> values() const {
    assert(stride_ == cols_);
    return {values_.data(), static_cast<std::size_t>(rows_ * cols_)};
  }

 private:
  static constexpr int64_t line = 16;  // floats of a cache line
  void reshape(int64_t rows, int64_t cols, int64_t stride) {
    const auto needed = static_cast<std::size_t>(rows * stride);
    if (needed > values_.size()) values_.resize(needed);
    rows_ = rows;
    cols_ = cols;
    stride_ = stride;
  }

  AlignedVector<float> values_;
  int64_t rows_ = 0, cols_ = 0, stride_ = 0;
};

}  // namespace ncf
