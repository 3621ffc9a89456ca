#pragma once
/// The first line of a text file that is not blank: what formats are told by.

#include <cstdint>
#include <string>
#include <string_view>

namespace ncf {

struct FirstLine {
  std::string text;  // empty: the file is empty or blank
  int64_t number = 1;
  uint64_t begin = 0;  // its bytes, [begin, end), after a byte order mark and before its line end
  uint64_t end = 0;
};

/// Error{data} when the file cannot be read or is UTF-16.
FirstLine first_line(const std::string& path);

/// Nothing but spaces: such lines are passed over in every text format.
bool blank(std::string_view line);

}  // namespace ncf
