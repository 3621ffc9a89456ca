#include "ncf/config/duration.hpp"

#include <charconv>

namespace ncf {
namespace {

std::optional<int64_t> number(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && digits[0] != '-' ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<int64_t> parse_duration(std::string_view text) {
  const auto size = text.size();
  if (size < 7 || size > 15 || text[size - 3] != ':' || text[size - 6] != ':') return {};
  const auto hours = number(text.substr(0, size - 6));
  const auto minutes = number(text.substr(size - 5, 2));
  const auto seconds = number(text.substr(size - 2, 2));
  if (!hours || !minutes || !seconds || *minutes > 59 || *seconds > 59) return {};
  const int64_t total = (*hours * 60 + *minutes) * 60 + *seconds;
  return total > 0 ? std::optional(total) : std::nullopt;
}

}  // namespace ncf
