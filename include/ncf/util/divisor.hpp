#pragma once
/// Division of many numbers by the same one, whose inverse is worked out once (Lemire, Kaser and Kurz,
/// "Faster remainder by direct computation", 2019): a multiplication each instead of a division.

#include <cstdint>

namespace ncf {

class Divisor {
  __extension__ using Product = unsigned __int128;

 public:
  struct Result {
    uint32_t quotient, remainder;
  };

  /// `by` is not 0.
  explicit Divisor(uint32_t by) : by_(by), inverse_(UINT64_MAX / by + 1) {}

  Result divide(uint32_t number) const {
    if (by_ == 1) return {number, 0};  // its inverse would be 2^64
    const auto quotient = static_cast<uint32_t>(Product{inverse_} * number >> 64);
    return {quotient, number - quotient * by_};
  }

 private:
  uint32_t by_;
  uint64_t inverse_;  // 2^64 / by, rounded up
};

}  // namespace ncf
