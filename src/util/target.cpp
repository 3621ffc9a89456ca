#include "ncf/util/target.hpp"

namespace ncf {

const char* instruction_set() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(NCF_NO_TARGET_CLONES)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4 (AVX-512)";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3 (AVX2)";
  return "x86-64";
#else
  return "portable";
#endif
}

}  // namespace ncf
