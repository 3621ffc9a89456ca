#include "ncf/nn/product_unit.hpp"

#include <algorithm>

#include "ncf/util/prefetch.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr std::size_t ahead = 4;  // samples whose rows are asked for meanwhile

}  // namespace

NCF_MULTIARCH void product_unit_forward(ConstMatrixView a, ConstMatrixView b, std::span<const int32_t> of_a,
                                        std::span<const int32_t> of_b, std::span<const float> weight,
                                        std::span<float> z) {
  const auto cols = static_cast<int64_t>(weight.size());
  const float* __restrict w = weight.data();
  for (std::size_t r = 0; r < of_a.size(); ++r) {
    if (r + ahead < of_a.size()) {
      prefetch(a.row(of_a[r + ahead]), cols);
      prefetch(b.row(of_b[r + ahead]), cols);
    }
    const float* __restrict p = a.row(of_a[r]);
    const float* __restrict q = b.row(of_b[r]);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < cols; ++c) sum += w[c] * p[c] * q[c];
    z[r] += sum;
  }
}

NCF_MULTIARCH void product_unit_backward(ConstMatrixView a, ConstMatrixView b, std::span<const int32_t> of_a,
                                         std::span<const int32_t> of_b, std::span<const float> weight,
                                         std::span<const float> dz, std::span<float> dweight, RowTerms to_a,
                                         RowTerms to_b, MatrixView da, MatrixView db) {
  const auto cols = static_cast<int64_t>(weight.size());
  const float* __restrict w = weight.data();
  float* __restrict dw = dweight.data();
  for (std::size_t r = 0; r < of_a.size(); ++r) {
    if (r + ahead < of_a.size()) {
      prefetch(da.row(to_a.to[r + ahead]), cols);
      prefetch(db.row(to_b.to[r + ahead]), cols);
    }
    const float* __restrict p = a.row(of_a[r]);
    const float* __restrict q = b.row(of_b[r]);
    float* __restrict dp = da.row(to_a.to[r]);
    float* __restrict dq = db.row(to_b.to[r]);
    if (to_a.first[r] != 0) std::fill_n(dp, da.cols, 0.0F);
    if (to_b.first[r] != 0) std::fill_n(dq, db.cols, 0.0F);
    const float slope = dz[r];
    for (int64_t c = 0; c < cols; ++c) {
      const float of_p = slope * p[c], of_q = slope * q[c];
      dw[c] += of_p * q[c];
      dp[c] += w[c] * of_q;
      dq[c] += w[c] * of_p;
    }
  }
}

}  // namespace ncf
