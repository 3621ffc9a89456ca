#pragma once
/// NCF_MULTIARCH before a function definition: compiled for several x86-64 levels, the widest that the
/// machine has is chosen when the program is loaded. Elsewhere, and under sanitizers, it is compiled once.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(NCF_NO_TARGET_CLONES)
#define NCF_MULTIARCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NCF_MULTIARCH
#endif

namespace ncf {

/// The level in use: "x86-64-v4 (AVX-512)", "x86-64-v3 (AVX2)", "x86-64" or "portable".
const char* instruction_set();

}  // namespace ncf
