#pragma once
/// Sums that do not depend on the order of their terms: each term is rounded once, to a multiple of 2^-40,
/// and the multiples are added as 128-bit integers. Used for losses and metrics, which so have the same bits
/// on any number of ranks. Holds up to 2^40 terms of magnitude up to 2^40; larger or non-finite terms make
/// the sum NaN.

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace ncf {

class ExactSum {
 public:
  void add(double term) {
    if (!(std::abs(term) < 0x1p40)) {  // also catches NaN
      ++invalid_;
      return;
    }
    // Most terms fit 64 bits, for which rounding and conversion are one instruction.
    const double multiple = term * 0x1p40;
    total_ += std::abs(multiple) < 0x1p62 ? Wide{std::llrint(multiple)}
                                          : static_cast<Wide>(std::nearbyint(multiple));
  }
  /// The same as each of them by itself, sooner.
  void add(std::span<const double> terms);
  void add(const ExactSum& other) {
    total_ += other.total_;
    invalid_ += other.invalid_;
  }
  double value() const {
    if (invalid_ != 0) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(total_) * 0x1p-40;
  }

  /// The sum as integers that may be added over ranks element by element; from_limbs() undoes it after that.
  std::array<int64_t, 5> limbs() const {
    constexpr Wide mask = 0xffffffff;
    return {static_cast<int64_t>(total_ & mask), static_cast<int64_t>((total_ >> 32) & mask),
            static_cast<int64_t>((total_ >> 64) & mask), static_cast<int64_t>(total_ >> 96), invalid_};
  }
  static ExactSum from_limbs(const std::array<int64_t, 5>& limbs) {
    ExactSum out;
    for (int i = 3; i >= 0; --i)
      out.total_ = out.total_ * (Wide{1} << 32) + limbs[static_cast<std::size_t>(i)];
    out.invalid_ = limbs[4];
    return out;
  }

 private:
  __extension__ using Wide = __int128;
  Wide total_ = 0;
  int64_t invalid_ = 0;
};

}  // namespace ncf
