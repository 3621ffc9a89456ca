#include "ncf/nn/gemm.hpp"

#include <dlfcn.h>

#include <dnnl.hpp>

#include "gemm_bf16.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/narrow.hpp"

namespace ncf {

void gemm(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, float beta,
          Precision precision) {
  const int64_t k = op_a == Op::none ? a.cols : a.rows;
  if (c.rows == 0 || c.cols == 0) return;
  if (k == 0) {
    if (beta == 0)
      for (int64_t r = 0; r < c.rows; ++r) std::fill_n(c.row(r), c.cols, 0.0F);
    return;
  }
  if (precision == Precision::bf16) return gemm_bf16(a, op_a, b, op_b, c, beta);
  const auto flag = [](Op op) { return op == Op::none ? 'N' : 'T'; };
  const dnnl_status_t status = dnnl_sgemm(flag(op_a), flag(op_b), c.rows, c.cols, k, 1.0F, a.data, a.stride,
                                          b.data, b.stride, beta, c.data, c.stride);
  if (status != dnnl_success)
    throw Error(ErrorKind::internal,
                "oneDNN refused a matrix product: status " + std::to_string(static_cast<int>(status)));
}

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

void set_compute_threads(int64_t threads) {
  // Debian's oneDNN runs on GNU OpenMP, which is loaded with it; the project itself uses no OpenMP.
  using Setter = void (*)(int);
  if (auto* set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "omp_set_num_threads")))
    set(narrow<int>(threads));
}

}  // namespace ncf
