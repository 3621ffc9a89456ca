#include "ncf/data/dataset_file.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "ncf/data/user_ranges.hpp"
#include "ncf/io/digest.hpp"
#include "ncf/io/hdf5.hpp"
#include "ncf/util/version.hpp"

namespace ncf {
namespace {

constexpr auto kind = ErrorKind::data;
constexpr const char* format_name = "ncf_dist data set";
constexpr int64_t format_version = 1;

Error wrong(const Hdf5File& file, const std::string& name, const std::string& problem) {
  return {kind, file.path() + ": " + name + ": " + problem};
}

std::string hexadecimal(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

void write_ids(Hdf5File& file, const std::string& name, const Vocabulary& vocabulary) {
  if (vocabulary.integers())
    file.write<int64_t>(name, std::get<0>(vocabulary.ids));
  else
    file.write_strings(name, std::get<1>(vocabulary.ids));
}

Vocabulary read_ids(const Hdf5File& file, const std::string& name) {
  Vocabulary vocabulary;
  if (file.holds_strings(name))
    vocabulary.ids = file.read_strings(name);
  else
    vocabulary.ids = file.read<int64_t>(name);
  std::visit(
      [&](const auto& ids) {
        const auto pair = std::ranges::adjacent_find(ids, std::ranges::greater_equal{});
        if (pair != ids.end())
          throw wrong(file, name,
                      "ids must ascend without repeats; entries " + std::to_string(pair - ids.begin()) +
                          " and " + std::to_string(pair - ids.begin() + 1) + " do not");
      },
      vocabulary.ids);
  return vocabulary;
}

/// The ratings of user `u` of a part, in one number. The same bytes in the same order at every writer and
/// reader.
uint64_t user_digest(Hash64& hash, const RatingsPart& part, std::size_t u) {
  const auto first = static_cast<std::size_t>(part.offsets[u]);
  const auto count = static_cast<std::size_t>(part.offsets[u + 1]) - first;
  const auto add = [&]<class T>(const std::vector<T>& column) {
    if (!column.empty()) hash.add(std::span<const T>(column).subspan(first, count));
  };
  add(part.items);
  add(part.values);
  add(part.times);
  add(part.valid);
  return hash.take();
}

std::string column_name(const std::string& side, const Attribute& attribute) {
  if (attribute.name.empty() || attribute.name.find('/') != std::string::npos)
    throw Error(kind, "column \"" + attribute.name + "\" of " + side +
                          " cannot be stored: it is a name in HDF5, " +
                          "which is not empty and has no \"/\"");
  return "/" + side + "/columns/" + attribute.name;
}

void write_columns(Hdf5File& file, const std::string& side, const SideTable& table) {
  for (const auto& attribute : table.attributes) {
    const std::string name = column_name(side, attribute);
    if (const auto* text = std::get_if<Attribute::Text>(&attribute.values)) {
      file.write_strings(name, *text);
    } else if (const auto* number = std::get_if<Attribute::Number>(&attribute.values)) {
      file.write<double>(name, *number);
    } else {
      std::vector<int64_t> offsets = {0};
      std::vector<std::string> values;
      for (const auto& list : std::get<Attribute::TextList>(attribute.values)) {
        values.insert(values.end(), list.begin(), list.end());
        offsets.push_back(std::ssize(values));
      }
      file.write<int64_t>(name + "/offsets", offsets);
      file.write_strings(name + "/values", values);
    }
  }
}

/// Offsets of `entries` lists: from 0, never falling, to `total`.
std::vector<int64_t> read_offsets(const Hdf5File& file, const std::string& name, int64_t entries,
                                  int64_t total) {
  auto offsets = file.read<int64_t>(name);
  if (std::ssize(offsets) != entries + 1)
    throw wrong(
        file, name,
        "has " + std::to_string(offsets.size()) + " entries, expected " + std::to_string(entries + 1));
  const auto fall = std::ranges::adjacent_find(offsets, std::ranges::greater{});
  if (offsets.front() != 0 || offsets.back() != total || fall != offsets.end())
    throw wrong(
        file, name,
        "must rise from 0 to " + std::to_string(total) +
            (fall == offsets.end() ? "" : "; falls after entry " + std::to_string(fall - offsets.begin())));
  return offsets;
}

Attribute read_column(const Hdf5File& file, const std::string& group, const std::string& attribute,
                      int64_t entries) {
  const std::string name = group + "/" + attribute;
  const auto expect_all = [&](std::size_t found) {
    if (static_cast<int64_t>(found) != entries)
      throw wrong(file, name,
                  "has " + std::to_string(found) + " entries, expected " + std::to_string(entries));
  };
  if (file.is_group(name)) {
    const auto values = file.read_strings(name + "/values");
    const auto offsets = read_offsets(file, name + "/offsets", entries, std::ssize(values));
    Attribute::TextList lists;
    for (std::size_t e = 0; e + 1 < offsets.size(); ++e)
      lists.emplace_back(values.begin() + offsets[e], values.begin() + offsets[e + 1]);
    return {attribute, std::move(lists)};
  }
  if (file.holds_strings(name)) {
    auto text = file.read_strings(name);
    expect_all(text.size());
    return {attribute, std::move(text)};
  }
  auto numbers = file.read<double>(name);
  expect_all(numbers.size());
  return {attribute, std::move(numbers)};
}

Hdf5File open_dataset_file(const std::string& path) {
  auto file = Hdf5File::open(path, kind);
  if (!file.has_attribute("format") || file.text_attribute("format") != format_name)
    throw Error(kind,
                path + ": is an HDF5 file, but no data set of this program; `ncf_dist prepare` makes one");
  const auto version = file.attribute<int64_t>("format_version");
  if (version < 1 || version > format_version)
    throw Error(kind, path + ": has format version " + std::to_string(version) +
                          "; this program reads versions up to " + std::to_string(format_version));
  if (!file.has_attribute("digest")) throw Error(kind, path + ": was not finished; prepare it again");
  return file;
}

/// The part [first, first + count) of a column that has one entry a rating.
template <class T>
std::vector<T> read_ratings_of(const Hdf5File& file, const std::string& name, int64_t total, int64_t first,
                               int64_t count) {
  const Shape shape = file.shape(name);
  if (shape != Shape{total})
    throw wrong(file, name, "has shape " + to_string(shape) + ", expected " + to_string(Shape{total}));
  return file.read_part<T>(name, first, count);
}

/// Indices in range, ascending within a user; flags 0 or 1.
void check_part(const Hdf5File& file, const RatingsPart& part, int64_t items) {
  const auto fail = [&](const char* name, int64_t u, const std::string& problem) {
    throw wrong(file, name, "user entry " + std::to_string(part.first_user + u) + " " + problem);
  };
  for (int64_t u = 0; u < part.users(); ++u) {
    const auto first = static_cast<std::size_t>(part.offsets[static_cast<std::size_t>(u)]);
    const auto last = static_cast<std::size_t>(part.offsets[static_cast<std::size_t>(u) + 1]);
    for (std::size_t i = first; i < last; ++i) {
      if (part.items[i] < 0 || part.items[i] >= items)
        fail("/ratings/item", u,
             "has item index " + std::to_string(part.items[i]) + "; there are " + std::to_string(items) +
                 " items");
      if (i > first && part.items[i] <= part.items[i - 1])
        fail("/ratings/item", u, "has items that do not ascend");
      if (!part.valid.empty() && part.valid[i] > 1)
        fail("/ratings/valid", u, "has " + std::to_string(part.valid[i]) + ", expected 0 or 1");
    }
  }
}

void check_digests(const Hdf5File& file, const RatingsPart& part, int64_t users) {
  const auto expected =
      read_ratings_of<uint64_t>(file, "/ratings/user_digest", users, part.first_user, part.users());
  Hash64 hash;
  for (std::size_t u = 0; u < expected.size(); ++u)
    if (user_digest(hash, part, u) != expected[u])
      throw wrong(file, "/ratings",
                  "the ratings of user entry " + std::to_string(part.first_user + static_cast<int64_t>(u)) +
                      " are damaged: they do not fit their digest");
}

/// Which users and rows a slice has; no ratings yet.
RatingsPart part_of_slice(const Hdf5File& file, const Dataset& dataset, Slice slice) {
  const auto offsets =
      read_offsets(file, "/ratings/offsets", file.shape("/users/id").at(0), dataset.total_rows);
  std::vector<int64_t> counts(offsets.size());
  std::adjacent_difference(offsets.begin(), offsets.end(), counts.begin());
  const auto bounds = user_ranges(std::span<const int64_t>(counts).subspan(1), slice.world);
  RatingsPart part;
  part.first_user = bounds[static_cast<std::size_t>(slice.rank)];
  const int64_t last_user = bounds[static_cast<std::size_t>(slice.rank) + 1];
  part.offsets.assign(offsets.begin() + part.first_user, offsets.begin() + last_user + 1);
  part.first_row = part.offsets.front();
  for (auto& offset : part.offsets) offset -= part.first_row;
  return part;
}

/// The users of a part from `user` on that have about a million ratings together, at least one user. Digests
/// cover columns that few readers keep: a block at a time, they are never all in memory.
RatingsPart some_users(const RatingsPart& part, int64_t user) {
  constexpr int64_t enough = 1 << 20;
  const auto first = part.offsets.begin() + user;
  const auto end = std::lower_bound(first + 1, part.offsets.end() - 1, *first + enough);
  RatingsPart block;
  block.first_user = part.first_user + user;
  block.first_row = part.first_row + *first;
  for (auto offset = first; offset <= end; ++offset) block.offsets.push_back(*offset - *first);
  return block;
}

/// The ratings of a block's users, as they must be.
void read_and_check(const Hdf5File& file, RatingColumns there, const Dataset& dataset, RatingsPart& block) {
  const auto column = [&]<class T>(const char* name, std::vector<T>& values) {
    values = read_ratings_of<T>(file, name, dataset.total_rows, block.first_row, block.offsets.back());
  };
  column("/ratings/item", block.items);
  column("/ratings/value", block.values);
  if (there.times) column("/ratings/time", block.times);
  if (there.valid) column("/ratings/valid", block.valid);
  check_digests(file, block, dataset.users.size());
  check_part(file, block, dataset.items.size());
}

/// Of ids and the digests of all users: a name for the contents, whatever the number of writers.
uint64_t whole_digest(const Hdf5File& file) {
  Hash64 hash;
  const auto digests = file.read<uint64_t>("/ratings/user_digest");
  hash.add(std::span<const uint64_t>(digests));
  for (const auto* name : {"/users/id", "/items/id"}) {
    const Vocabulary vocabulary = read_ids(file, name);
    if (vocabulary.integers()) {
      hash.add(std::span<const int64_t>(std::get<0>(vocabulary.ids)));
    } else {
      for (const auto& id : std::get<1>(vocabulary.ids))
        hash.add(std::span<const char>(id.c_str(), id.size() + 1));
    }
  }
  return hash.take();
}

/// Of titles, genres, ages and the like, which `digest` leaves out. Columns in the order of their names.
uint64_t columns_digest(const SideTables& side) {
  Hash64 hash;
  const auto add_text = [&](const std::string& text) {
    hash.add(std::span<const char>(text.c_str(), text.size() + 1));
  };
  for (const SideTable* table : {&side.users, &side.items}) {
    std::vector<const Attribute*> sorted;
    for (const auto& attribute : table->attributes) sorted.push_back(&attribute);
    std::ranges::sort(sorted, {}, [](const Attribute* a) { return a->name; });
    for (const Attribute* a : sorted) {
      add_text(a->name);
      if (const auto* text = std::get_if<Attribute::Text>(&a->values))
        std::ranges::for_each(*text, add_text);
      else if (const auto* number = std::get_if<Attribute::Number>(&a->values))
        hash.add(std::span<const double>(*number));
      else
        for (const auto& list : std::get<Attribute::TextList>(a->values)) {
          std::ranges::for_each(list, add_text);
          add_text("");
        }
    }
  }
  return hash.take();
}

}  // namespace

void begin_dataset_file(const std::string& path, const Dataset& dataset, RatingColumns columns,
                        const SideTables& side) {
  auto file = Hdf5File::create(path, kind);
  file.set_attribute("format", std::string(format_name));
  file.set_attribute<int64_t>("format_version", format_version);
  file.set_attribute("ncf_dist_version", std::string(version()));
  file.set_attribute("source", dataset.source);
  file.set_attribute<int64_t>("repeated_pairs", dataset.repeated_pairs);
  file.set_attribute("columns_digest", hexadecimal(columns_digest(side)));
  write_ids(file, "/users/id", dataset.users);
  write_ids(file, "/items/id", dataset.items);
  write_columns(file, "users", side.users);
  write_columns(file, "items", side.items);
  const Shape rows = {dataset.total_rows};
  file.make<int64_t>("/ratings/offsets", {dataset.users.size() + 1});
  file.make<int32_t>("/ratings/item", rows);
  file.make<float>("/ratings/value", rows);
  if (columns.times) file.make<int64_t>("/ratings/time", rows);
  if (columns.valid) file.make<uint8_t>("/ratings/valid", rows);
  file.make<uint64_t>("/ratings/user_digest", {dataset.users.size()});
  const int64_t zero = 0;
  file.write_part<int64_t>("/ratings/offsets", 0, std::span(&zero, 1));
  file.close();
}

void add_ratings(const std::string& path, const RatingsPart& part) {
  auto file = Hdf5File::update(path, kind);
  std::vector<int64_t> ends;  // a user's end is the next one's offset
  std::vector<uint64_t> digests;
  Hash64 hash;
  for (std::size_t u = 0; u + 1 < part.offsets.size(); ++u) {
    ends.push_back(part.first_row + part.offsets[u + 1]);
    digests.push_back(user_digest(hash, part, u));
  }
  file.write_part<int64_t>("/ratings/offsets", part.first_user + 1, ends);
  file.write_part<uint64_t>("/ratings/user_digest", part.first_user, digests);
  file.write_part<int32_t>("/ratings/item", part.first_row, part.items);
  file.write_part<float>("/ratings/value", part.first_row, part.values);
  if (!part.times.empty()) file.write_part<int64_t>("/ratings/time", part.first_row, part.times);
  if (!part.valid.empty()) file.write_part<uint8_t>("/ratings/valid", part.first_row, part.valid);
  file.close();
}

void finish_dataset_file(const std::string& path) {
  auto file = Hdf5File::update(path, kind);
  file.set_attribute("digest", hexadecimal(whole_digest(file)));
  file.close();
}

Dataset read_dataset_file(const std::string& path, Slice slice, RatingColumns wanted) {
  const auto file = open_dataset_file(path);
  Dataset dataset;
  dataset.source = path;
  dataset.users = read_ids(file, "/users/id");
  dataset.items = read_ids(file, "/items/id");
  dataset.total_rows = file.shape("/ratings/item").at(0);
  dataset.part = part_of_slice(file, dataset, slice);
  RatingsPart& part = dataset.part;
  const RatingColumns there = {.times = file.has("/ratings/time"), .valid = file.has("/ratings/valid")};
  const auto rows = static_cast<std::size_t>(part.offsets.back());
  part.items.reserve(rows);
  part.values.reserve(rows);
  if (there.times && wanted.times) part.times.reserve(rows);
  if (there.valid && wanted.valid) part.valid.reserve(rows);
  for (int64_t user = 0; user < part.users();) {
    RatingsPart block = some_users(part, user);
    user += block.users();
    read_and_check(file, there, dataset, block);
    const auto append = []<class T>(std::vector<T>& to, const std::vector<T>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(part.items, block.items);
    append(part.values, block.values);
    if (wanted.times) append(part.times, block.times);
    if (wanted.valid) append(part.valid, block.valid);
  }
  return dataset;
}

SideTables read_side_tables(const std::string& path) {
  const auto file = open_dataset_file(path);
  SideTables side;
  for (const auto& [name, table] : {std::pair{"/users", &side.users}, std::pair{"/items", &side.items}}) {
    const std::string group = std::string(name) + "/columns";
    if (!file.has(group)) continue;
    const int64_t entries = file.shape(std::string(name) + "/id").at(0);
    for (const auto& attribute : file.names_in(group))
      table->attributes.push_back(read_column(file, group, attribute, entries));
  }
  return side;
}

DatasetFileInfo read_dataset_info(const std::string& path) {
  const auto file = open_dataset_file(path);
  return {.users = file.shape("/users/id").at(0),
          .items = file.shape("/items/id").at(0),
          .ratings = file.shape("/ratings/item").at(0),
          .columns = {.times = file.has("/ratings/time"), .valid = file.has("/ratings/valid")},
          .repeated_pairs = file.attribute<int64_t>("repeated_pairs"),
          .source = file.text_attribute("source"),
          .digest = file.text_attribute("digest"),
          .program_version = file.text_attribute("ncf_dist_version")};
}

void check_whole_dataset(const std::string& path) {
  const SideTables side = read_side_tables(path);
  const auto file = open_dataset_file(path);
  const auto expect = [&](const char* attribute, uint64_t found, const char* problem) {
    const std::string expected = file.text_attribute(attribute);
    if (hexadecimal(found) != expected)
      throw Error(kind, path + ": is damaged: " + problem + " have the digest " + hexadecimal(found) +
                            ", expected " + expected + " (attribute " + attribute + ")");
  };
  expect("digest", whole_digest(file), "ids and the digests of all users' ratings");
  if (file.has_attribute("columns_digest"))
    expect("columns_digest", columns_digest(side), "titles and other columns");
}

}  // namespace ncf
