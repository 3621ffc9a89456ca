#pragma once
/// A line of text cut into its columns, and lines quoted in error messages.

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ncf/util/error.hpp"

namespace ncf {

/// Reused from line to line; the columns of the last line, valid as long as that line is.
class LineFields {
 public:
  /// Cuts at each `separator`; a separator of one space stands for any run of spaces. With `quotes`, a field
  /// may stand in double quotes, a quote inside it doubled. Spaces around unquoted fields are dropped.
  /// Returns nullptr, or what is wrong with the line.
  const char* split(std::string_view line, std::string_view separator, bool quotes);

  std::size_t size() const { return fields_.size(); }
  std::string_view operator[](std::size_t column) const { return fields_[column]; }

 private:
  const char* split_quoted(std::string_view line, std::string_view separator);

  std::vector<std::string_view> fields_;
  std::deque<std::string> unquoted_;  // fields with a doubled quote inside
};

std::string_view trimmed(std::string_view text);

/// The line in quotes: what cannot be printed escaped, a long one shortened.
std::string in_quotes(std::string_view line);

/// `path:line: "text": problem`
Error malformed_line(const std::string& path, int64_t line_number, std::string_view line,
                     const std::string& problem);

}  // namespace ncf
