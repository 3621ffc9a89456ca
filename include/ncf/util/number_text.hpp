#pragma once
/// Numbers as people read them.

#include <cstdint>
#include <string>

namespace ncf {

/// 12345678 as "12,345,678".
inline std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  const auto digits = static_cast<int64_t>(text.size());
  for (int64_t at = digits - 3; at > (number < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace ncf
