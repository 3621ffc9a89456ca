#pragma once
/// What a data set tells about its users and items beside the ratings: titles, genres, ages. Columns are
/// aligned with the vocabulary: entry i is about the id with index i. What is not known is empty (text, list)
/// or NaN (number).

#include <string>
#include <variant>
#include <vector>

#include "ncf/config/config.hpp"
#include "ncf/data/ratings.hpp"

namespace ncf {

struct Attribute {
  using Text = std::vector<std::string>;  // one value an entity, UTF-8
  using Number = std::vector<double>;
  using TextList = std::vector<std::vector<std::string>>;  // any number of values an entity: genres

  std::string name;
  std::variant<Text, Number, TextList> values;
};

struct SideTable {
  std::vector<Attribute> attributes;
};

struct SideTables {
  SideTable users;
  SideTable items;
};

/// Reads the side files that lie beside the ratings (u.user, u.item, u.genre; users.dat, movies.dat;
/// movies.csv).
///
///     movielens-100k, movielens-dat   users: age (number), gender, occupation, zip
///     these and movielens-csv         items: title, genres (list), year (number)
///     hdf5                            what was prepared into it, attributes sorted by name
///
/// Files that are absent give no attributes; other formats have none. Entities that no rating names are
/// passed over. Only one rank needs to call it. Errors: Error{data} with file:line and the text for a
/// malformed line.
SideTables load_side_tables(const DataConfig& config, const Dataset& dataset);

}  // namespace ncf
