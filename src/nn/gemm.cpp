#include "ncf/nn/gemm.hpp"

#include <dlfcn.h>

#include <dnnl.hpp>

#include "gemm_amx.hpp"
#include "gemm_skip_avx2.hpp"
#include "gemm_vector.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/narrow.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

/// From so many rows on AMX's tiles are quicker than vector registers for float32 numbers, packing included:
/// measured on a processor with both. With fewer the lower clock that tiles bring costs a step more than they
/// gain.
constexpr int64_t rows_for_tiles = 96;

/// Whether oneDNN uses a level of instructions: the processor has it, and ONEDNN_MAX_CPU_ISA allows it.
bool allowed(dnnl_cpu_isa_t level) {
  return (dnnl_get_effective_cpu_isa() & level) == level;
}

/// Whether a product is sooner done in tiles. Where rows are summed up, which must be turned round for it,
/// only large results are.
bool worth_tiles(Op op_a, ConstMatrixView c, int64_t k, Precision precision) {
  constexpr int64_t results = 8192;
  if (precision == Precision::bf16) return true;
  return op_a == Op::none ? c.rows >= rows_for_tiles : k >= rows_for_tiles && c.rows * c.cols >= results;
}

}  // namespace

Multiplier multiplier() {
  static const Multiplier widest = [] {
    if (!allowed(dnnl_cpu_isa_avx512_core) || !has_avx512()) return Multiplier::onednn;
    return has_amx() ? Multiplier::tiles : Multiplier::vectors;
  }();
  return widest;
}

bool skips_zeros() {
  static const bool with_onednn = allowed(dnnl_cpu_isa_avx2) && has_avx2();
  switch (multiplier()) {
    case Multiplier::onednn:
      return with_onednn;
    case Multiplier::vectors:
      return true;
    case Multiplier::tiles:
      break;
  }
  return false;
}

bool has_bf16() {
#ifdef NCF_AVX512
  return multiplier() != Multiplier::onednn && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

void gemm(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, float beta,
          Precision precision, Zeros in_a) {
  const int64_t k = op_a == Op::none ? a.cols : a.rows;
  if (c.rows == 0 || c.cols == 0) return;
  if (k == 0) {
    if (beta == 0)
      for (int64_t r = 0; r < c.rows; ++r) std::fill_n(c.row(r), c.cols, 0.0F);
    return;
  }
  if (op_b == Op::none && multiplier() == Multiplier::tiles && worth_tiles(op_a, c, k, precision))
    return gemm_amx(a, op_a, b, c, beta != 0, precision);
  if (!skips_zeros()) in_a = Zeros::few;
  if (multiplier() != Multiplier::onednn) return gemm_vector(a, op_a, b, op_b, c, beta != 0, precision, in_a);
  if (precision == Precision::bf16) throw Error(ErrorKind::internal, "no bfloat16 products here: has_bf16()");
  if (in_a == Zeros::many && gemm_skip_avx2(a, op_a, b, op_b, c, beta != 0)) return;
  const auto flag = [](Op op) { return op == Op::none ? 'N' : 'T'; };
  const dnnl_status_t status = dnnl_sgemm(flag(op_a), flag(op_b), c.rows, c.cols, k, 1.0F, a.data, a.stride,
                                          b.data, b.stride, beta, c.data, c.stride);
  if (status != dnnl_success)
    throw Error(ErrorKind::internal,
                "oneDNN refused a matrix product: status " + std::to_string(static_cast<int>(status)));
}

bool rows_are_independent(Op op_b) {
  // Tiles take no transposed right operand.
  return multiplier() == Multiplier::vectors || (multiplier() == Multiplier::tiles && op_b == Op::transpose);
}

bool wants_plain_right(int64_t rows) {
  // Measured. In vector registers it saves packing the operand for each micro-batch, of which there are some.
  constexpr int64_t rows_for_onednn = 64, rows_for_vectors = 1024;
  switch (multiplier()) {
    case Multiplier::tiles:
      return rows >= rows_for_tiles;
    case Multiplier::vectors:
      return rows >= rows_for_vectors;
    case Multiplier::onednn:
      break;
  }
  return rows >= rows_for_onednn;
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
