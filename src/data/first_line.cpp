#include "ncf/data/first_line.hpp"

#include <array>

#include "ncf/data/line_reader.hpp"
#include "ncf/util/error.hpp"

namespace ncf {

bool blank(std::string_view line) {
  return line.find_first_not_of(" \r") == std::string_view::npos;
}

FirstLine first_line(const std::string& path) {
  std::array<char, 3> head{};
  const std::string_view mark(head.data(), TextInput(path).read(head));
  if (mark.starts_with("\xFF\xFE") || mark.starts_with("\xFE\xFF"))
    throw Error(ErrorKind::data,
                path + ": is UTF-16 text, expected UTF-8 (`iconv -f UTF-16 -t UTF-8` converts it)");
  FirstLine found;
  found.begin = found.end = mark == "\xEF\xBB\xBF" ? mark.size() : 0;
  LineReader lines(path, Slice{}, found.begin);
  for (std::string_view line; lines.next(line); ++found.number) {
    found.begin = lines.place();
    found.end = lines.place() + line.size();
    if (blank(line)) continue;
    found.text = line;
    return found;
  }
  return found;
}

}  // namespace ncf
