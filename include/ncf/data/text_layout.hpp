#pragma once
/// How the lines of one ratings file are to be read: separator, columns and header, from the format, the
/// data.csv keys and the first line of the file.

#include <cstdint>
#include <string>

#include "ncf/config/config.hpp"
#include "ncf/data/rating_line.hpp"

namespace ncf {

struct TextLayout {
  RatingLayout line;
  uint64_t begin = 0;  // byte of the text where the data begins: after a byte order mark and a header
};

/// `format` is one of the text formats. Errors: Error{data} for a file without a line and for one that has
/// not the columns it must have; Error{usage} for data.csv keys that are wrong in themselves or name no
/// column.
TextLayout read_layout(const std::string& path, DataFormat format, const CsvConfig& csv);

}  // namespace ncf
