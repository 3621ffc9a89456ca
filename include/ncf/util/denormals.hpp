#pragma once
/// Numbers too small for a full mantissa cost a hundred times as much as others on most processors, and
/// training makes them: the moments of a unit that is never active shrink at every step for ever. They count
/// as zero while a FlushDenormals lives.

#include <cstdint>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace ncf {

/// For the thread that makes it, until it ends. Elsewhere than on x86 and Arm it does nothing.
class FlushDenormals {
 public:
  FlushDenormals() : before_(get()) { set(before_ | bits); }
  ~FlushDenormals() { set(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE__)
  static constexpr uint64_t bits = 0x8040;  // flush results to zero, take operands as zero
  static uint64_t get() {
    return _mm_getcsr();
  }
  static void set(uint64_t mode) {
    _mm_setcsr(static_cast<unsigned>(mode));
  }
#elif defined(__aarch64__)
  static constexpr uint64_t bits = uint64_t{1} << 24;
  static uint64_t get() {
    uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void set(uint64_t mode) {
    asm volatile("msr fpcr, %0" : : "r"(mode));
  }
#else
  static constexpr uint64_t bits = 0;
  static uint64_t get() {
    return 0;
  }
  static void set(uint64_t) {}
#endif

  uint64_t before_;
};

}  // namespace ncf
