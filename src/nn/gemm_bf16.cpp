#include "gemm_bf16.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <dnnl.hpp>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <map>
#include <vector>

#include "ncf/util/error.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

using dnnl::memory;
using Key = std::array<int64_t, 6>;  // m, n, k, a transposed, b transposed, accumulates

#if defined(__x86_64__) && defined(__GNUC__)
#define NCF_NATIVE_BF16 1
/// The same by the processor's own instruction.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void round_rows_natively(ConstMatrixView from,
                                                                                         uint16_t* to) {
  for (int64_t r = 0; r < from.rows; ++r) {
    const float* row = from.row(r);
    uint16_t* out = to + r * from.cols;
    for (int64_t i = 0; i < from.cols; i += 16) {
      const auto rest = static_cast<uint32_t>(from.cols - i);
      const auto lanes = static_cast<__mmask16>(rest >= 16 ? 0xffffU : (1U << rest) - 1);
      const __m256bh half = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, row + i));
      __m256i
          bits;  // not by std::bit_cast: a function that returns such a vector has no place outside AVX code
      std::memcpy(&bits, &half, sizeof bits);
      _mm256_mask_storeu_epi16(out + i, lanes, bits);
    }
  }
}
#endif

/// The upper half of a float, rounded to nearest, ties to even. A NaN stays one.
NCF_MULTIARCH void round_rows(ConstMatrixView from, uint16_t* __restrict to) {
  for (int64_t r = 0; r < from.rows; ++r) {
    const float* __restrict row = from.row(r);
    uint16_t* __restrict out = to + r * from.cols;
    for (int64_t i = 0; i < from.cols; ++i) {
      const auto bits = std::bit_cast<uint32_t>(row[i]);
      const uint32_t rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
      out[i] = static_cast<uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? bits >> 16 | 0x40U : rounded);
    }
  }
}

void round_all(ConstMatrixView from, uint16_t* to) {
#ifdef NCF_NATIVE_BF16
  static const bool native = has_bf16();
  if (native) return round_rows_natively(from, to);
#endif
  round_rows(from, to);
}

/// A compiled product of one shape.
struct Product {
  Product(const dnnl::engine& engine, const Key& key) {
    const auto [m, n, k, ta, tb, adds] = key;
    const auto order = [](bool transposed) {
      return transposed ? memory::format_tag::ba : memory::format_tag::ab;
    };
    const memory::desc a({m, k}, memory::data_type::bf16, order(ta)),
        b({k, n}, memory::data_type::bf16, order(tb)),
        c({m, n}, memory::data_type::f32, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    if (adds) {
      dnnl::post_ops post;
      post.append_sum(1.0F);
      attributes.set_post_ops(post);
    }
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), attributes, engine);
    product = dnnl::matmul(description);
    operands = {memory(a, engine, nullptr), memory(b, engine, nullptr), memory(c, engine, nullptr)};
  }
  dnnl::matmul product;
  std::array<memory, 3> operands;
};

/// What a thread computes with: compiled products and the rounded operands.
class Workshop {
 public:
  void multiply(const Key& key, const uint16_t* left, const uint16_t* right, float* out) {
    auto found = products_.find(key);
    if (found == products_.end()) found = products_.emplace(key, Product(engine_, key)).first;
    auto& [product, operands] = found->second;
    operands[0].set_data_handle(const_cast<uint16_t*>(left));
    operands[1].set_data_handle(const_cast<uint16_t*>(right));
    operands[2].set_data_handle(out);
    product.execute(
        stream_, {{DNNL_ARG_SRC, operands[0]}, {DNNL_ARG_WEIGHTS, operands[1]}, {DNNL_ARG_DST, operands[2]}});
    stream_.wait();
  }

  /// `rows` rows, those that `from` does not have being zeros.
  static uint16_t* rounded(ConstMatrixView from, int64_t rows, AlignedVector<uint16_t>& buffer) {
    const auto needed = static_cast<std::size_t>(rows * from.cols);
    if (buffer.size() < needed) buffer.resize(needed);
    round_all(from, buffer.data());
    std::fill_n(buffer.data() + from.rows * from.cols, (rows - from.rows) * from.cols, uint16_t{0});
    return buffer.data();
  }

  AlignedVector<uint16_t> a, b;
  Matrix c;

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::map<Key, Product> products_;
};

/// Products are compiled a shape at a time, and numbers of rows are different at every step: they are rounded
/// up, so that there are not too many shapes.
int64_t rounded_up(int64_t rows) {
  const int64_t step = rows <= 256 ? 16 : rows <= 2048 ? 64 : 256;
  return (rows + step - 1) / step * step;
}

}  // namespace

bool has_bf16() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

void gemm_bf16(ConstMatrixView a, Op op_a, ConstMatrixView b, Op op_b, MatrixView c, float beta) {
  thread_local Workshop workshop;
  const bool ta = op_a == Op::transpose, tb = op_b == Op::transpose;
  // Rows of a are the product's rows, or, transposed, what is summed over: then b has the same.
  const int64_t rows = ta && tb ? a.rows : rounded_up(a.rows);
  const uint16_t* const x = Workshop::rounded(a, rows, workshop.a);
  const uint16_t* const y = Workshop::rounded(b, ta ? rows : b.rows, workshop.b);
  const int64_t m = ta ? a.cols : rows, k = ta ? rows : a.cols, n = c.cols;
  try {
    if (m == c.rows && c.stride == c.cols)
      return workshop.multiply({m, n, k, ta, tb, beta != 0}, x, y, c.data);
    workshop.c.reshape(m, n);
    workshop.multiply({m, n, k, ta, tb, false}, x, y, workshop.c.data());
  } catch (const dnnl::error& e) {
    throw Error(ErrorKind::internal, std::string("oneDNN refused a bf16 product: ") + e.what());
  }
  for (int64_t r = 0; r < c.rows; ++r) {
    const float* from = workshop.c.row(r);
    float* to = c.row(r);
    for (int64_t i = 0; i < n; ++i) to[i] = beta == 0 ? from[i] : to[i] + from[i];
  }
}

}  // namespace ncf
