#pragma once
/// When two arrays of numbers are the same up to rounding.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace ncf::reference {

/// Largest difference, relative to the largest magnitude of what is expected. Elements are not compared each
/// by itself: where terms cancel, a value has no correct digits left, and it has no weight either.
template <class A, class E>
testing::AssertionResult agree(const std::string& what, const A& actual, const E& expected,
                               double tolerance) {
  if (actual.size() != expected.size())
    return testing::AssertionFailure() << what << ": " << actual.size() << " values, not " << expected.size();
  double scale = 0, worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    scale = std::max(scale, std::abs(static_cast<double>(expected[i])));
    if (!(difference <= worst)) worst = difference, at = i;  // NaN is the worst
    if (std::isnan(difference)) break;
  }
  if (worst <= tolerance * scale) return testing::AssertionSuccess() << what << ": off by " << worst / scale;
  return testing::AssertionFailure() << what << '[' << at << "]: " << actual[at] << ", not " << expected[at]
                                     << "; off by " << worst / scale << " of the largest, over " << tolerance;
}

}  // namespace ncf::reference
