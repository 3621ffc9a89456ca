#pragma once
/// The prepared data set: one HDF5 file with ids as written, ratings in CSR form by user, side tables
/// (docs/formats.md). Errors: Error{data} with the file and the dataset inside it.
///
/// Writing goes user range after user range into a file made for all: begin once, then one add_ratings for
/// each part in turn (by whoever holds it; the file is closed in between), finish once. The caller picks a
/// temporary name and renames. So nobody ever holds more ratings than its own, none travel, and HDF5 stays
/// serial.

#include <string>

#include "ncf/data/ratings.hpp"
#include "ncf/data/side_table.hpp"
#include "ncf/data/slice.hpp"

namespace ncf {

/// What the parts of a data set have, which one part alone, being empty, may not show.
struct RatingColumns {
  bool times = false;
  bool valid = false;  // a given split
};

/// Makes the file for `dataset` (all but its part) and writes what is not ratings.
void begin_dataset_file(const std::string& path, const Dataset& dataset, RatingColumns columns,
                        const SideTables& side);
void add_ratings(const std::string& path, const RatingsPart& part);
/// Puts the digest of the whole in. All parts must be there.
void finish_dataset_file(const std::string& path);

/// All ids, and the ratings of this slice's users: contiguous ranges of about equally many ratings.
/// Everything is checked: indices, order, and the digest of each user's ratings; of times and the given split
/// only what is wanted is kept.
Dataset read_dataset_file(const std::string& path, Slice slice, RatingColumns wanted = {true, true});

/// The side tables, attributes sorted by name.
SideTables read_side_tables(const std::string& path);

/// Counts and digest without reading any ratings.
struct DatasetFileInfo {
  int64_t users = 0;
  int64_t items = 0;
  int64_t ratings = 0;
  RatingColumns columns;
  int64_t repeated_pairs = 0;  // rows merged away when it was prepared
  std::string source;          // what it was prepared from
  std::string digest;          // of ids and ratings, 16 hexadecimal digits
  std::string program_version;
};
DatasetFileInfo read_dataset_info(const std::string& path);

/// Checks what read_dataset_file, reading slices, does not: that ids and users' digests fit the digest of the
/// whole, and titles and other columns theirs (absent from files of early versions).
void check_whole_dataset(const std::string& path);

}  // namespace ncf
