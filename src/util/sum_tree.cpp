#include "ncf/util/sum_tree.hpp"

#include <algorithm>
#include <bit>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

// Clones resolve by name, so overloads need names of their own.
NCF_MULTIARCH void add_floats(int64_t n, const float* a, const float* b, float* to) {
#pragma GCC ivdep  // `to` may be a term: each place is read before it is written
  for (int64_t i = 0; i < n; ++i) to[i] = a[i] + b[i];
}
NCF_MULTIARCH void add_doubles(int64_t n, const double* a, const double* b, double* to) {
#pragma GCC ivdep  // `to` may be a term: each place is read before it is written
  for (int64_t i = 0; i < n; ++i) to[i] = a[i] + b[i];
}
void add(int64_t n, const float* a, const float* b, float* to) {
  add_floats(n, a, b, to);
}
void add(int64_t n, const double* a, const double* b, double* to) {
  add_doubles(n, a, b, to);
}

/// Four and eight terms in one pass over memory: most of the time of these sums is reading.
NCF_MULTIARCH void add_four(int64_t n, const float* const* t, float* to) {
  const float *a = t[0], *b = t[1], *c = t[2], *d = t[3];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) to[i] = (a[i] + b[i]) + (c[i] + d[i]);
}
NCF_MULTIARCH void add_eight(int64_t n, const float* const* t, float* to) {
  const float *a = t[0], *b = t[1], *c = t[2], *d = t[3], *e = t[4], *f = t[5], *g = t[6], *h = t[7];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) to[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + (g[i] + h[i]));
}

bool in_one_pass(std::span<const float* const> terms, int64_t n, float* out) {
  if (terms.size() == 4) add_four(n, terms.data(), out);
  if (terms.size() == 8) add_eight(n, terms.data(), out);
  return terms.size() == 4 || terms.size() == 8;
}
bool in_one_pass(std::span<const double* const>, int64_t, double*) {
  return false;
}

template <class T>
void sum_terms(std::span<const T* const> terms, int64_t n, T* out, std::vector<std::vector<T>>& buffers) {
  if (terms.empty()) return std::fill_n(out, n, T{0}), void();
  if (terms.size() == 1) {
    if (terms[0] != out) std::copy_n(terms[0], n, out);
    return;
  }
  if (terms.size() == 2) return add(n, terms[0], terms[1], out);
  if (in_one_pass(terms, n, out)) return;
  const std::size_t half = std::bit_ceil(terms.size()) / 2;
  const auto level = static_cast<std::size_t>(std::bit_width(half));
  if (buffers.size() <= 2 * level + 1) buffers.resize(2 * level + 2);
  for (std::size_t side : {std::size_t{0}, std::size_t{1}})
    if (buffers[2 * level + side].size() < static_cast<std::size_t>(n))
      buffers[2 * level + side].resize(static_cast<std::size_t>(n));
  // Both halves aside: `out` may be a term of the other one. (Moving a vector keeps its memory.)
  T* const left = buffers[2 * level].data();
  T* const right = buffers[2 * level + 1].data();
  sum_terms(terms.first(half), n, left, buffers);
  sum_terms(terms.subspan(half), n, right, buffers);
  add(n, left, right, out);
}

}  // namespace

void SumTree::sum(std::span<const float* const> terms, int64_t n, float* out) {
  sum_terms(terms, n, out, floats_);
}
void SumTree::sum(std::span<const double* const> terms, int64_t n, double* out) {
  sum_terms(terms, n, out, doubles_);
}

}  // namespace ncf
