#include "ncf/nn/unit.hpp"

#include "lanes.hpp"
#include "ncf/nn/layers.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

NCF_MULTIARCH void dot_rows(ConstMatrixView x, const float* __restrict w, float bias, float* __restrict z) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* __restrict row = x.row(r);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < x.cols; ++i) sum += row[i] * w[i];
    z[r] = sum + bias;
  }
}
NCF_MULTIARCH void unit_backward_rows(ConstMatrixView x, const float* __restrict w,
                                      const float* __restrict dz, float* __restrict dw, MatrixView dx) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* __restrict row = x.row(r);
    float* __restrict out = dx.row(r);
    const float g = dz[r];
    for (int64_t i = 0; i < x.cols; ++i) {
      dw[i] += g * row[i];
      out[i] = g * w[i];
    }
  }
}

constexpr int widest = 4;  // vectors of a block: both sums, the weight and the values are in registers

struct ReluBackward {
  ConstMatrixView y;
  const float *weight, *dz;
  float *dweight, *dbias_below;
  MatrixView dy;

  template <int N>
  NCF_INLINE void block(int64_t first) const {
    const ReluBackward job = *this;  // the compiler knows that no store changes it
    Lanes w[N], dw[N], below[N];
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) {
      dw[j] = below[j] = Lanes{};
      read_some(job.weight + first + j * lanes, job.y.cols - first - j * lanes, w[j]);
    }
    for (int64_t r = 0; r < job.y.rows; ++r) {
      const float* value = job.y.row(r) + first;
      float* slope = job.dy.row(r) + first;
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) {
        Lanes v;
        read(value + j * lanes, v);
        dw[j] += job.dz[r] * v;
        v = v > 0 ? job.dz[r] * w[j] : Lanes{};
        below[j] += v;
        write(slope + j * lanes, v);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) {
      add_some(dw[j], job.y.cols - first - j * lanes, job.dweight + first + j * lanes);
      add_some(below[j], job.y.cols - first - j * lanes, job.dbias_below + first + j * lanes);
    }
  }
};

NCF_MULTIARCH void relu_backward_in_blocks(const ReluBackward& job) {
  in_blocks<widest>(job, job.y.cols);
}

struct ReluForward {
  MatrixView y;
  const float *bias, *weight;
  float unit_bias;
  float* z;

  /// Up to 16 samples: their sums are in registers, and their lanes added up together.
  template <bool all>
  NCF_INLINE void samples(int64_t first, int64_t count) const {
    const ReluForward job = *this;  // the compiler knows that no store changes it
    Lanes sums[lanes] = {};
    for (int64_t c = 0; c < job.y.cols; c += lanes) {
      Lanes b, w;
      Bits columns;
      read_columns(job.bias + c, job.y.cols - c, b);
      read_columns(job.weight + c, job.y.cols - c, w);
      last_columns(std::min(job.y.cols - c, lanes), columns);
#pragma GCC unroll 16
      for (int64_t r = 0; r < lanes; ++r) {
        if (!all && r >= count) break;
        float* const values = job.y.row(first + r) + c;
        Lanes v;
        read(values, v);
        v += b;
        v = v < 0 ? Lanes{} : v;
        keep(v, columns);
        write(values, v);
        sums[r] += w * v;
      }
    }
    add_lanes(sums);
    sums[0] += job.unit_bias;
    for (int64_t r = 0; r < count; ++r) job.z[first + r] = sums[0][r];
  }
};

NCF_MULTIARCH void relu_forward(const ReluForward& job) {
  int64_t r = 0;
  for (; r + lanes <= job.y.rows; r += lanes) job.samples<true>(r, lanes);
  if (r < job.y.rows) job.samples<false>(r, job.y.rows - r);
}

}  // namespace

void unit_forward(ConstMatrixView x, std::span<const float> weight, float bias, std::span<float> z) {
  dot_rows(x, weight.data(), bias, z.data());
}

void relu_unit_forward(MatrixView y, std::span<const float> bias, std::span<const float> weight,
                       float unit_bias, std::span<float> z) {
  if (in_lanes(y)) return relu_forward({y, bias.data(), weight.data(), unit_bias, z.data()});
  add_bias_relu(bias, y);
  unit_forward(y, weight, unit_bias, z);
}

void unit_backward(ConstMatrixView x, std::span<const float> weight, std::span<const float> dz,
                   std::span<float> dweight, float& dbias, MatrixView dx) {
  for (const float g : dz) dbias += g;
  unit_backward_rows(x, weight.data(), dz.data(), dweight.data(), dx);
}

void unit_relu_backward(ConstMatrixView y, std::span<const float> weight, std::span<const float> dz,
                        std::span<float> dweight, float& dbias, MatrixView dy, std::span<float> dbias_below) {
  if (!in_lanes(y) || !in_lanes(dy)) {
    unit_backward(y, weight, dz, dweight, dbias, dy);
    return relu_backward(y, dy, dbias_below);
  }
  for (const float g : dz) dbias += g;
  relu_backward_in_blocks({y, weight.data(), dz.data(), dweight.data(), dbias_below.data(), dy});
}

}  // namespace ncf
