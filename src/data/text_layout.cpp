#include "ncf/data/text_layout.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "ncf/data/first_line.hpp"
#include "ncf/data/ids.hpp"

namespace ncf {
namespace {

constexpr int64_t no_column = -1;

[[noreturn]] void usage(const std::string& message) {
  throw Error(ErrorKind::usage, message);
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '_' && c != ' ' && c != '-') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string csv_separator(const std::string& path, const FirstLine& first, const std::string& wanted) {
  if (wanted == "tab" || wanted == "\\t") return "\t";
  if (wanted != "auto") {
    if (wanted.empty() || wanted.find_first_of("\"\r\n0123456789") != std::string::npos)
      usage("data.csv.separator: " + in_quotes(wanted) +
            " cannot separate columns; auto, tab or text without quotes and " + "digits is expected");
    return wanted;
  }
  // What cuts the line into most columns; spaces only where nothing else does, since names may have them.
  std::string best = " ";
  std::size_t most = 1;
  const char* problem = nullptr;
  LineFields cells;
  for (const char* candidate : {"\t", "::", ",", ";", "|"}) {
    const char* wrong = cells.split(first.text, candidate, true);
    if (wrong) {
      problem = wrong;
    } else if (cells.size() > most) {
      best = candidate;
      most = cells.size();
    }
  }
  if (most > 1) return best;
  if (problem) throw malformed_line(path, first.number, first.text, problem);
  if (trimmed(first.text).find(' ') != std::string_view::npos) return best;
  throw malformed_line(path, first.number, first.text,
                       "no separator found (looked for tab, ::, comma, semicolon, | and space); "
                       "data.csv.separator names another");
}

/// The columns of a csv file as the data.csv keys name them, checked against the first line.
class CsvColumns {
 public:
  CsvColumns(const std::string& path, const FirstLine& first, const LineFields& cells, const CsvConfig& csv)
      : path_(path), first_(first), cells_(cells) {
    if (csv.header != "auto" && csv.header != "yes" && csv.header != "no")
      usage("data.csv.header: " + in_quotes(csv.header) + " is none of auto, yes, no");
    const bool named = !number(csv.user) || !number(csv.item) || !number(csv.rating) ||
                       (!csv.time.empty() && !number(csv.time));
    if (named && csv.header == "no")
      usage("data.csv.header: no, but the data.csv columns are given by name; numbers from 1 are expected");
    user = find("user", csv.user);
    item = find("item", csv.item);
    rating = find("rating", csv.rating);
    if (!csv.time.empty()) time = find("time", csv.time);
    if (user == item || user == rating || item == rating || time == user || time == item || time == rating)
      usage("data.csv: user, item, rating and time must be different columns");
    header = named || csv.header == "yes" || (csv.header == "auto" && !any_number());
    if (header && number(csv.user)) check_not_swapped();
  }

  int64_t user, item, rating, time = no_column;
  bool header = false;

 private:
  static std::optional<int64_t> number(const std::string& column) { return canonical_integer(column); }

  int64_t find(const std::string& key, const std::string& column) const {
    if (column.empty()) usage("data.csv." + key + ": is empty; a column's name or number is expected");
    if (const auto n = number(column)) {
      if (*n < 1) usage("data.csv." + key + ": columns are numbered from 1, not " + column);
      if (*n <= static_cast<int64_t>(cells_.size())) return *n - 1;
      throw malformed_line(path_, first_.number, first_.text,
                           std::to_string(cells_.size()) + (cells_.size() == 1 ? " column" : " columns") +
                               ", but data.csv." + key + " is column " + column);
    }
    std::string names;
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      if (cells_[c] == column) return static_cast<int64_t>(c);
      (names += c ? ", " : "") += cells_[c];
    }
    usage("data.csv." + key + ": no column is named " + in_quotes(column) + " in " + path_ + ":" +
          std::to_string(first_.number) + ", which has " + names);
  }

  /// A line that names columns has a number in none of those that matter.
  bool any_number() const {
    const auto is_number = [&](int64_t c) {
      return c != no_column && looks_like_number(cells_[static_cast<std::size_t>(c)]);
    };
    return is_number(user) || is_number(item) || is_number(rating) || is_number(time);
  }

  /// Item before user, as some sets have it, would train without complaint on the transposed ratings.
  void check_not_swapped() const {
    constexpr std::array<std::string_view, 3> names{"user", "userid", "users"};
    const auto names_user = [&](std::size_t c) { return std::ranges::count(names, lower(cells_[c])) > 0; };
    if (names_user(static_cast<std::size_t>(user))) return;
    for (std::size_t c = 0; c < cells_.size(); ++c)
      if (names_user(c))
        usage("data.csv.user is column " + std::to_string(user + 1) + " (" +
              in_quotes(cells_[static_cast<std::size_t>(user)]) + "), but column " + std::to_string(c + 1) +
              " of " + path_ + " is named " + in_quotes(cells_[c]) +
              "; name the columns by data.csv.user, data.csv.item and " + "data.csv.rating");
  }

  const std::string& path_;
  const FirstLine& first_;
  const LineFields& cells_;
};

TextLayout csv_layout(const std::string& path, const FirstLine& first, const CsvConfig& csv) {
  TextLayout layout;
  layout.line.separator = csv_separator(path, first, csv.separator);
  layout.line.quotes = true;
  LineFields cells;
  if (const char* problem = cells.split(first.text, layout.line.separator, true))
    throw malformed_line(path, first.number, first.text, problem);
  const CsvColumns columns(path, first, cells, csv);
  layout.line.columns = cells.size();
  layout.line.user = static_cast<std::size_t>(columns.user);
  layout.line.item = static_cast<std::size_t>(columns.item);
  layout.line.rating = static_cast<std::size_t>(columns.rating);
  layout.line.time = columns.time;
  layout.begin = columns.header ? first.end : first.begin;
  return layout;
}

TextLayout movielens_csv_layout(const std::string& path, const FirstLine& first) {
  LineFields cells;
  const char* problem = cells.split(first.text, ",", true);
  CsvConfig csv{
      .user = "userId", .item = "movieId", .rating = "rating", .time = "", .separator = ",", .header = "yes"};
  for (const std::string& column : {csv.user, csv.item, csv.rating}) {
    bool found = false;
    for (std::size_t c = 0; !problem && c < cells.size(); ++c) found = found || cells[c] == column;
    if (!found)
      throw malformed_line(path, first.number, first.text,
                           "movielens-csv needs a header with userId, movieId, rating and maybe timestamp");
  }
  for (std::size_t c = 0; c < cells.size(); ++c)
    if (cells[c] == "timestamp") csv.time = "timestamp";
  return csv_layout(path, first, csv);
}

/// user, item, rating, time by position, without a header.
TextLayout plain_layout(const FirstLine& first, std::string separator, bool time_optional) {
  TextLayout layout{.line = {.separator = std::move(separator), .columns = 4, .time = 3},
                    .begin = first.begin};
  LineFields cells;
  cells.split(first.text, layout.line.separator, false);
  if (time_optional && cells.size() == 3) {
    layout.line.columns = 3;
    layout.line.time = no_column;
  }
  return layout;
}

}  // namespace

TextLayout read_layout(const std::string& path, DataFormat format, const CsvConfig& csv) {
  const FirstLine first = first_line(path);
  if (first.text.empty()) throw Error(ErrorKind::data, path + ": holds no ratings, it is empty or blank");
  if (format == DataFormat::csv) return csv_layout(path, first, csv);
  if (format == DataFormat::movielens_csv) return movielens_csv_layout(path, first);
  if (format == DataFormat::movielens_dat) return plain_layout(first, "::", true);
  return plain_layout(first, "\t", false);
}

}  // namespace ncf
