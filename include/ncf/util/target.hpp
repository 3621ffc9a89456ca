#pragma once
/// NCF_MULTIARCH before a function definition: compiled for several x86-64 levels, the widest that the
/// machine has is chosen when the program is loaded. Elsewhere, and under sanitizers, it is compiled once.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(NCF_NO_TARGET_CLONES)
#define NCF_MULTIARCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NCF_MULTIARCH
#endif

/// NCF_AVX2 before a function definition: compiled for processors with AVX2 and what x86-64-v3 has with it,
/// to be called after has_avx2() only. Not defined where the compiler cannot.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NCF_AVX2 __attribute__((target("arch=x86-64-v3")))
#endif

/// NCF_AVX512 before a function definition: compiled for processors with AVX-512, to be called after
/// has_avx512() only, its bfloat16 instructions where has_bf16(). Not defined where the compiler cannot.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NCF_AVX512 __attribute__((target("arch=x86-64-v4,avx512bf16")))
#endif

/// NCF_AMX before a function definition: compiled for processors with AMX and AVX-512 BF16, to be called
/// after has_amx() only. Not defined where the compiler cannot.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NCF_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))
#endif

namespace ncf {

/// Whether the processor has AVX2 with all that x86-64-v3 has beside it, and this program can use it.
bool has_avx2();

/// Whether the processor has AVX-512 with all that x86-64-v4 has of it, and this program can use it.
bool has_avx512();

/// Whether the processor has matrix registers for bfloat16 numbers (AMX), and the system lets this process
/// use them.
bool has_amx();

/// The level in use: "x86-64-v4 (AVX-512, AMX)", "x86-64-v4 (AVX-512)", "x86-64-v3 (AVX2)", "x86-64" or
/// "portable".
const char* instruction_set();

}  // namespace ncf
