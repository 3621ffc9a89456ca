#pragma once
/// One line of a ratings file: how its columns lie and what they say.

#include <cstdint>
#include <string>
#include <string_view>

#include "ncf/data/line_fields.hpp"

namespace ncf {

/// Columns count from 0.
struct RatingLayout {
  std::string separator;
  bool quotes = false;      // fields may be quoted (csv)
  std::size_t columns = 0;  // every line has exactly so many
  std::size_t user = 0;
  std::size_t item = 1;
  std::size_t rating = 2;
  int64_t time = -1;  // -1: none
};

struct RatingLine {
  std::string_view user;  // as written, without spaces around
  std::string_view item;
  float rating = 0;
  int64_t time = 0;  // seconds
};

/// Reads a line. Returns an empty text, or what is wrong with the line and what was expected.
/// `fields` must live as long as `out` is used.
std::string parse_rating_line(std::string_view line, const RatingLayout& layout, LineFields& fields,
                              RatingLine& out);

/// True for what would be taken for a number (also "nan"): how a header is told from data.
bool looks_like_number(std::string_view text);

/// A separator in words: "tabs", "commas", "\"::\"".
std::string separator_name(std::string_view separator);

}  // namespace ncf
