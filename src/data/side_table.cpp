#include "ncf/data/side_table.hpp"

#include <charconv>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "ncf/data/dataset_file.hpp"
#include "ncf/data/file_names.hpp"
#include "ncf/data/line_fields.hpp"
#include "ncf/data/ratings_source.hpp"
#include "ncf/data/text_encoding.hpp"
#include "ncf/io/text_input.hpp"

namespace ncf {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// A small text file, UTF-8 whatever it was, line by line.
class SideFile {
 public:
  /// Not there: no lines.
  explicit SideFile(const std::string& path) : path_(existing_file(path)) {
    if (path_.empty()) return;
    text_ = read_text(path_);
    if (!is_utf8(text_)) text_ = utf8_from_latin1(text_);
  }
  bool exists() const { return !path_.empty(); }

  /// Calls `use(fields)` for each line that is not blank; it returns what is wrong with the line, or nothing.
  void each_line(std::string_view separator, bool quotes,
                 const std::function<std::string(LineFields&)>& use) const {
    std::string_view rest = text_;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    LineFields fields;
    for (int64_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (trimmed(line).empty()) continue;
      const char* badly_cut = fields.split(line, separator, quotes);
      const std::string problem = badly_cut ? badly_cut : use(fields);
      if (!problem.empty()) throw malformed_line(path_, number, line, problem);
    }
  }

 private:
  std::string path_;
  std::string text_;
};

std::string columns_expected(std::size_t found, std::size_t expected) {
  return std::to_string(found) + " columns, expected " + std::to_string(expected);
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> values;
  if (text == "(no genres listed)") return values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('|'), text.size());
    if (end > 0) values.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// 1995 of "Toy Story (1995)" and 1994 of "Babylon 5 (1994-1998)".
double year_of(std::string_view title) {
  const std::size_t open = title.rfind('(');
  if (open == std::string_view::npos || open + 5 >= title.size()) return unknown;
  const auto year = number_in<int64_t>(title.substr(open + 1, 4));
  return year && *year >= 1000 ? static_cast<double>(*year) : unknown;
}

/// 1995 of "01-Jan-1995".
double year_of_date(std::string_view date) {
  const auto year = date.size() < 4 ? std::nullopt : number_in<int64_t>(date.substr(date.size() - 4));
  return year && *year >= 1000 ? static_cast<double>(*year) : unknown;
}

struct ItemColumns {
  explicit ItemColumns(std::size_t n) : title(n), genres(n), year(n, unknown) {}
  Attribute::Text title;
  Attribute::TextList genres;
  Attribute::Number year;

  SideTable table(bool with_genres) && {
    SideTable out;
    out.attributes.push_back({"title", std::move(title)});
    if (with_genres) out.attributes.push_back({"genres", std::move(genres)});
    out.attributes.push_back({"year", std::move(year)});
    return out;
  }
};

/// u.genre names the columns of u.item that follow its first five.
SideTable items_of_100k(const std::string& folder, const Vocabulary& items) {
  constexpr std::size_t fixed = 5;
  const SideFile file(folder + "/u.item"), genre_file(folder + "/u.genre");
  if (!file.exists()) return {};
  std::vector<std::string> genres;
  genre_file.each_line("|", false, [&](LineFields& f) -> std::string {
    if (f.size() != 2 || number_in<std::size_t>(f[1]) != genres.size())
      return "expected a genre and its number, " + std::to_string(genres.size());
    genres.emplace_back(f[0]);
    return {};
  });
  ItemColumns columns(static_cast<std::size_t>(items.size()));
  file.each_line("|", false, [&](LineFields& f) -> std::string {
    if (genre_file.exists() && f.size() != fixed + genres.size())
      return columns_expected(f.size(), fixed + genres.size());
    if (f.size() < fixed) return columns_expected(f.size(), fixed) + " or more";
    const int64_t index = items.find(f[0]);
    if (index < 0) return {};
    const auto i = static_cast<std::size_t>(index);
    columns.title[i] = f[1];
    const double year = year_of(f[1]);
    columns.year[i] = year == year ? year : year_of_date(f[2]);
    columns.genres[i].clear();
    for (std::size_t g = 0; g < genres.size(); ++g)
      if (f[fixed + g] == "1") columns.genres[i].push_back(genres[g]);
    return {};
  });
  return std::move(columns).table(genre_file.exists());
}

/// id, title, genres: movies.dat and movies.csv. A title may contain the separator of movies.dat.
SideTable items_of_movies(const SideFile& file, bool csv, const Vocabulary& items) {
  if (!file.exists()) return {};
  ItemColumns columns(static_cast<std::size_t>(items.size()));
  bool header = csv;
  file.each_line(csv ? "," : "::", csv, [&](LineFields& f) -> std::string {
    if (f.size() < 3 || (csv && f.size() != 3)) return columns_expected(f.size(), 3) + " (id, title, genres)";
    if (std::exchange(header, false))
      return f[0] == "movieId" && f[1] == "title" && f[2] == "genres"
                 ? ""
                 : "expected the header movieId,title,genres";
    const int64_t index = items.find(f[0]);
    if (index < 0) return {};
    const auto i = static_cast<std::size_t>(index);
    const std::size_t last = f.size() - 1;
    columns.title[i] = f[1];
    for (std::size_t c = 2; c < last; ++c) (columns.title[i] += "::") += f[c];
    columns.year[i] = year_of(columns.title[i]);
    columns.genres[i] = list_of(f[last]);
    return {};
  });
  return std::move(columns).table(true);
}

/// Where the columns of a file of users lie (the id is the first).
struct UserLayout {
  std::string separator;
  std::size_t age, gender, occupation, zip;
};

SideTable users_of(const SideFile& file, const UserLayout& layout, const Vocabulary& users) {
  if (!file.exists()) return {};
  const auto n = static_cast<std::size_t>(users.size());
  Attribute::Number age(n, unknown);
  Attribute::Text gender(n), occupation(n), zip(n);
  file.each_line(layout.separator, false, [&](LineFields& f) -> std::string {
    if (f.size() != 5) return columns_expected(f.size(), 5);
    const auto years = number_in<double>(f[layout.age]);
    if (!years && !f[layout.age].empty())
      return "the age is " + in_quotes(f[layout.age]) + ", expected a number";
    const int64_t index = users.find(f[0]);
    if (index < 0) return {};
    const auto i = static_cast<std::size_t>(index);
    age[i] = years.value_or(unknown);
    gender[i] = f[layout.gender];
    occupation[i] = f[layout.occupation];
    zip[i] = f[layout.zip];
    return {};
  });
  return {{{"age", std::move(age)},
           {"gender", std::move(gender)},
           {"occupation", std::move(occupation)},
           {"zip", std::move(zip)}}};
}

}  // namespace

SideTables load_side_tables(const DataConfig& config, const Dataset& dataset) {
  if (config.path.empty()) return {};
  const RatingsSource source = find_ratings(config);
  const std::string& folder = source.side_folder;
  switch (source.format) {
    case DataFormat::movielens_100k:
      return {users_of(SideFile(folder + "/u.user"), {"|", 1, 2, 3, 4}, dataset.users),
              items_of_100k(folder, dataset.items)};
    case DataFormat::movielens_dat:
      return {users_of(SideFile(folder + "/users.dat"), {"::", 2, 1, 3, 4}, dataset.users),
              items_of_movies(SideFile(folder + "/movies.dat"), false, dataset.items)};
    case DataFormat::movielens_csv:
      return {{}, items_of_movies(SideFile(folder + "/movies.csv"), true, dataset.items)};
    case DataFormat::hdf5:
      return read_side_tables(source.ratings);
    default:
      return {};
  }
}

}  // namespace ncf
