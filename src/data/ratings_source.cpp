#include "ncf/data/ratings_source.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "ncf/data/file_names.hpp"
#include "ncf/data/first_line.hpp"
#include "ncf/data/line_fields.hpp"
#include "ncf/io/text_input.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

[[noreturn]] void usage(const std::string& message) {
  throw Error(ErrorKind::usage, message);
}
[[noreturn]] void no_data(const std::string& message) {
  throw Error(ErrorKind::data, message);
}

std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) (text += text.empty() ? "" : ", ") += name;
  return text;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string parent(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string file_name(const std::string& path) {
  return without_compression(fs::path(path).filename().string());
}

/// Files of a folder whose names (compression aside) begin and end so, each once, sorted.
Names matching(const std::string& folder, const std::string& start, const std::string& end) {
  Names found;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    const std::string name = without_compression(entry.path().filename().string());
    if (name.size() >= start.size() + end.size() && name.starts_with(start) && name.ends_with(end))
      found.push_back(name);
  }
  if (problem) no_data(folder + ": cannot be read: " + problem.message());
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// `exact` in the folder, else the only file that begins and ends so, else none.
std::string exact_or_only(const std::string& folder, const std::string& exact, const std::string& start,
                          const std::string& end, const std::string& advice) {
  if (std::string path = existing_file(folder + "/" + exact); !path.empty()) return path;
  const Names names = matching(folder, start, end);
  if (names.size() > 1) no_data(folder + ": holds several ratings files (" + joined(names) + "); " + advice);
  return names.empty() ? std::string() : existing_file(folder + "/" + names[0]);
}

/// Whether the first line is a MovieLens csv header (other sets have a ratings.csv, too).
bool has_movielens_header(const std::string& first_line_text) {
  LineFields cells;
  if (cells.split(first_line_text, ",", true)) return false;
  bool user = false, movie = false;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    user = user || cells[c] == "userId";
    movie = movie || cells[c] == "movieId";
  }
  return user && movie;
}

struct Candidate {
  DataFormat format;
  const char* name;
  const char* looked_for;
};
constexpr std::array<Candidate, 5> text_formats{{
    {DataFormat::movielens_100k, "movielens-100k", "u.data"},
    {DataFormat::movielens_dat, "movielens-dat", "ratings.dat or one ratings*.dat"},
    {DataFormat::movielens_csv, "movielens-csv", "ratings.csv"},
    {DataFormat::csv, "csv", "ratings.csv"},
    {DataFormat::he_ncf, "he-ncf", "one *.train.rating"},
}};

/// The ratings file of this format in a folder, or an empty text.
std::string ratings_in(const std::string& folder, DataFormat format) {
  switch (format) {
    case DataFormat::movielens_100k:
      return existing_file(folder + "/u.data");
    case DataFormat::movielens_dat:
      return exact_or_only(folder, "ratings.dat", "ratings", ".dat", "give the file itself as data.path");
    case DataFormat::movielens_csv:
    case DataFormat::csv:
      return existing_file(folder + "/ratings.csv");
    case DataFormat::he_ncf:
      return exact_or_only(folder, "train.rating", "", ".train.rating",
                           "give data.path up to .train.rating, such as " + folder + "/ml-1m");
    default:
      return {};
  }
}

bool columns_described(const CsvConfig& csv) {
  return csv != CsvConfig{};
}

RatingsSource in_folder(const DataConfig& config) {
  const std::string& folder = config.path;
  if (config.format == DataFormat::hdf5)
    no_data(folder + ": is a folder, but data.format: hdf5 needs the data set's file");
  RatingsSource found;
  Names looked_for, holds;
  for (const Candidate& c : text_formats) {
    if (config.format != DataFormat::automatic && config.format != c.format) continue;
    looked_for.push_back(std::string(c.looked_for) + " (" + c.name + ")");
    if (config.format == DataFormat::automatic && c.format == DataFormat::csv)
      continue;  // told by its header
    const std::string path = ratings_in(folder, c.format);
    if (path.empty()) continue;
    holds.push_back(c.name);
    found.format = c.format;
    found.ratings = path;
  }
  if (holds.empty())
    no_data(folder + ": no ratings in this folder; looked for " + joined(looked_for) +
            ", each also with .gz or .xz. A file of any name can be given as data.path");
  if (holds.size() > 1)
    no_data(folder + ": holds ratings in several formats (" + joined(holds) +
            "); data.format says which to take");
  if (config.format == DataFormat::automatic && found.format == DataFormat::movielens_csv &&
      (columns_described(config.csv) || !has_movielens_header(first_line(found.ratings).text)))
    found.format = DataFormat::csv;
  return found;
}

DataFormat format_of_file(const std::string& path, const CsvConfig& csv) {
  std::array<char, 8> head{};
  if (TextInput(path).read(head) == head.size() && std::string_view(head.data(), 8) == "\x89HDF\r\n\x1a\n")
    return DataFormat::hdf5;
  if (columns_described(csv)) return DataFormat::csv;
  const std::string name = file_name(path);
  if (name.ends_with(".train.rating") || name == "train.rating") return DataFormat::he_ncf;
  const bool part = name.ends_with(".base") || name.ends_with(".test");
  if (name == "u.data" || (name.starts_with("u") && part)) return DataFormat::movielens_100k;
  const std::string line = first_line(path).text;
  if (line.find("::") != std::string::npos) return DataFormat::movielens_dat;
  return has_movielens_header(line) ? DataFormat::movielens_csv : DataFormat::csv;
}

RatingsSource in_file(const DataConfig& config) {
  if (config.format == DataFormat::automatic)
    return {format_of_file(config.path, config.csv), config.path, {}, {}};
  return {config.format, config.path, {}, {}};
}

/// The file beside `ratings` whose name ends in `to` where that of `ratings` ends in `from`.
std::string sibling(const std::string& ratings, const std::string& from, const std::string& to) {
  const std::string plain = without_compression(ratings);
  return plain.ends_with(from) ? existing_file(plain.substr(0, plain.size() - from.size()) + to)
                               : std::string();
}

std::string given_valid_file(const DataConfig& config, const RatingsSource& source) {
  if (source.format == DataFormat::hdf5) {
    if (!config.valid_path.empty())
      usage("data.valid_path: an HDF5 data set holds its own split; leave the key out");
    return {};
  }
  if (!config.valid_path.empty()) {
    if (!is_file(config.valid_path)) no_data("data.valid_path: " + config.valid_path + ": no such file");
    return config.valid_path;
  }
  const bool he = source.format == DataFormat::he_ncf;
  const std::string wanted = he ? "the same name with test.rating" : "u1.test for u1.base";
  const std::string path =
      he ? sibling(source.ratings, "train.rating", "test.rating") : sibling(source.ratings, ".base", ".test");
  if (!path.empty()) return path;
  const std::string plain = without_compression(source.ratings);
  if (he || plain.ends_with(".base"))
    no_data(source.ratings + ": no validation part beside it (" + wanted +
            ", also .gz or .xz); data.valid_path names one");
  usage(
      "data.split: given needs data.valid_path, the file with the validation part (only u1.base and he-ncf "
      "have "
      "it beside them)");
}

}  // namespace

RatingsSource find_ratings(const DataConfig& config) {
  if (config.split != SplitKind::given && !config.valid_path.empty())
    usage("data.valid_path is set, but data.split is not given; write data.split: given");
  RatingsSource source;
  if (is_folder(config.path)) {
    source = in_folder(config);
  } else if (is_file(config.path)) {
    source = in_file(config);
  } else if (std::string path = existing_file(config.path + ".train.rating"); !path.empty()) {
    if (config.format != DataFormat::he_ncf && config.format != DataFormat::automatic)
      no_data(config.path + ": no such file; only " + path + " is there, which is he-ncf");
    source = {DataFormat::he_ncf, path, {}, {}};
  } else {
    no_data(config.path + ": no such file or folder (nor " + config.path + ".train.rating)");
  }

  if (columns_described(config.csv) && config.format == DataFormat::automatic &&
      source.format != DataFormat::csv)
    usage("data.csv describes columns, but " + source.ratings + " is " + std::string(name_of(source.format)) +
          "; leave data.csv out");
  if (source.format == DataFormat::he_ncf && config.split != SplitKind::given)
    usage(source.ratings + ": he-ncf data brings its own split; write data.split: given");
  if (config.split == SplitKind::given) source.valid = given_valid_file(config, source);
  if (source.format == DataFormat::movielens_100k || source.format == DataFormat::movielens_dat ||
      source.format == DataFormat::movielens_csv)
    source.side_folder = parent(source.ratings);
  return source;
}

}  // namespace ncf
