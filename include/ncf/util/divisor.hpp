#pragma once
/// Division of many numbers by the same one, whose inverse is worked out once: a multiplication each instead
/// of a division.

#include <cstdint>

namespace ncf {

/// Of numbers of 32 bits (Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019).
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

/// Of numbers below 2^52, which a double holds: the quotient by its inverse is at most one off.
class LongDivisor {
 public:
  /// `by` is not 0.
  explicit LongDivisor(uint64_t by) : by_(by), inverse_(1 / static_cast<double>(by)) {}

  uint64_t quotient(uint64_t number) const {
    auto guess = static_cast<uint64_t>(static_cast<double>(number) * inverse_);
    guess -= guess * by_ > number ? 1 : 0;
    return guess + (number - guess * by_ >= by_ ? 1 : 0);
  }

 private:
  uint64_t by_;
  double inverse_;
};

}  // namespace ncf
