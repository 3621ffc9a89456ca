#include "ncf/data/line_fields.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "ncf/data/text_encoding.hpp"

namespace ncf {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

const char* LineFields::split(std::string_view line, std::string_view separator, bool quotes) {
  fields_.clear();
  if (quotes && line.find('"') != std::string_view::npos) return split_quoted(line, separator);
  const bool runs = separator == " ";
  if (runs) line = trimmed(line);
  const char first = separator[0];
  std::size_t begin = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != first || line.compare(i, separator.size(), separator) != 0) continue;
    if (!runs || i > begin) fields_.push_back(trimmed(line.substr(begin, i - begin)));
    begin = i + separator.size();
    i = begin - 1;
  }
  fields_.push_back(trimmed(line.substr(begin)));
  return nullptr;
}

const char* LineFields::split_quoted(std::string_view line, std::string_view separator) {
  unquoted_.clear();
  const bool runs = separator == " ";
  if (runs) line = trimmed(line);
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && line[at] == ' ') ++at;
    if (at == line.size() || line[at] != '"') {
      const std::size_t end = std::min(line.find(separator, at), line.size());
      fields_.push_back(trimmed(line.substr(at, end - at)));
      at = end;
    } else {
      std::string& text = unquoted_.emplace_back();
      ++at;
      while (true) {
        const std::size_t end = line.find('"', at);
        if (end == std::string_view::npos) return "a quote is opened and not closed";
        text += line.substr(at, end - at);
        at = end + 1;
        if (at == line.size() || line[at] != '"') break;
        text += '"';  // it was doubled
        ++at;
      }
      fields_.push_back(text);
      while (at < line.size() && line[at] == ' ' && !runs) ++at;
      if (at < line.size() && line.compare(at, separator.size(), separator) != 0)
        return "text follows a closed quote";
    }
    if (at >= line.size()) return nullptr;
    at += separator.size();
  }
}

std::string in_quotes(std::string_view line) {
  constexpr std::size_t longest = 120;
  std::string_view shown = line.substr(0, longest);
  if (shown.size() < line.size())  // never half a character
    while (!shown.empty() && (static_cast<unsigned char>(line[shown.size()]) & 0xC0U) == 0x80U)
      shown.remove_suffix(1);
  const bool utf8 = is_utf8(shown);
  std::string text = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t') {
      text += "\\t";
    } else if (c == '"' || c == '\\') {
      (text += '\\') += c;
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      text += hex.data();
    } else {
      text += c;
    }
  }
  return text + (shown.size() < line.size() ? "…\"" : "\"");
}

Error malformed_line(const std::string& path, int64_t line_number, std::string_view line,
                     const std::string& problem) {
  return {ErrorKind::data,
          path + ":" + std::to_string(line_number) + ": " + in_quotes(line) + ": " + problem};
}

}  // namespace ncf
