#include "ncf/data/rating_line.hpp"

#include <charconv>
#include <cmath>

namespace ncf {
namespace {

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_rating(std::string_view text, float& value) {
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '9') {
    value = static_cast<float>(text[0] - '0');
    return true;
  }
  return parse_whole(text, value) && std::isfinite(value);
}

std::string field(const char* what, std::size_t column, std::string_view text, const char* expected) {
  return std::string(what) + " (column " + std::to_string(column + 1) + ") is " +
         (text.empty() ? "empty" : in_quotes(text)) + ", expected " + expected;
}

}  // namespace

std::string parse_rating_line(std::string_view line, const RatingLayout& layout, LineFields& fields,
                              RatingLine& out) {
  if (const char* problem = fields.split(line, layout.separator, layout.quotes)) return problem;
  if (fields.size() != layout.columns) {
    return std::to_string(fields.size()) + (fields.size() == 1 ? " column" : " columns") + ", expected " +
           std::to_string(layout.columns) + " separated by " + separator_name(layout.separator);
  }
  out.user = fields[layout.user];
  out.item = fields[layout.item];
  if (out.user.empty()) return field("the user", layout.user, {}, "an id");
  if (out.item.empty()) return field("the item", layout.item, {}, "an id");
  if (!parse_rating(fields[layout.rating], out.rating))
    return field("the rating", layout.rating, fields[layout.rating], "a finite number");
  if (layout.time >= 0) {
    const auto column = static_cast<std::size_t>(layout.time);
    if (!parse_whole(fields[column], out.time))
      return field("the time", column, fields[column], "whole seconds since 1970");
  }
  return {};
}

bool looks_like_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc::invalid_argument && end == text.data() + text.size();
}

std::string separator_name(std::string_view separator) {
  if (separator == "\t") return "tabs";
  if (separator == ",") return "commas";
  if (separator == ";") return "semicolons";
  if (separator == " ") return "spaces";
  return in_quotes(separator);
}

}  // namespace ncf
