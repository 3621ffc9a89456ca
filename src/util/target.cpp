#include "ncf/util/target.hpp"

#ifdef NCF_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace ncf {
namespace {

#ifdef NCF_AMX
bool processor_has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned amx_bf16 = 1U << 22, amx_tile = 1U << 24;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & amx_bf16) != 0 && (d & amx_tile) != 0;
}

/// Linux gives the registers to processes that ask.
bool ask_for_amx() {
  constexpr long request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
}
#endif

}  // namespace

bool has_avx2() {
#ifdef NCF_AVX2
  __builtin_cpu_init();
  static const bool has = __builtin_cpu_supports("x86-64-v3") != 0;
  return has;
#else
  return false;
#endif
}

bool has_avx512() {
#ifdef NCF_AVX512
  __builtin_cpu_init();
  static const bool has = __builtin_cpu_supports("x86-64-v4") != 0;
  return has;
#else
  return false;
#endif
}

bool has_amx() {
#ifdef NCF_AMX
  __builtin_cpu_init();
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0 && processor_has_amx() && ask_for_amx();
  return has;
#else
  return false;
#endif
}

const char* instruction_set() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(NCF_NO_TARGET_CLONES)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4") && has_amx()) return "x86-64-v4 (AVX-512, AMX)";
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4 (AVX-512)";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3 (AVX2)";
  return "x86-64";
#else
  return "portable";
#endif
}

}  // namespace ncf
