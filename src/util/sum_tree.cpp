#include "ncf/util/sum_tree.hpp"

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

// Clones resolve by name, so overloads need names of their own.
NCF_MULTIARCH void add_floats(int64_t n, const float* a, const float* b, float* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = a[i] + b[i];
}
NCF_MULTIARCH void add_doubles(int64_t n, const double* a, const double* b, double* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = a[i] + b[i];
}

}  // namespace

void add_vectors(int64_t n, const float* a, const float* b, float* to) {
  add_floats(n, a, b, to);
}
void add_vectors(int64_t n, const double* a, const double* b, double* to) {
  add_doubles(n, a, b, to);
}

}  // namespace ncf
