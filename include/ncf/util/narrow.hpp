#pragma once
/// Checked integer conversion: a value that does not fit is an internal error, never a silent wrap.

#include <string>
#include <utility>

#include "ncf/util/error.hpp"

namespace ncf {

template <class To, class From>
constexpr To narrow(From value) {
  if (!std::in_range<To>(value))
    throw Error(ErrorKind::internal, "integer " + std::to_string(value) + " does not fit its type");
  return static_cast<To>(value);
}

}  // namespace ncf
