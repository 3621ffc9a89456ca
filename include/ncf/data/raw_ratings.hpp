#pragma once
/// Ratings as they come from files, before they have found their user's rank.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ncf/data/ids.hpp"
#include "ncf/data/slice.hpp"
#include "ncf/data/text_layout.hpp"

namespace ncf {

struct RawRating {
  int32_t user;  // number in an IdSet at first, index in the vocabulary later
  int32_t item;
  float value;
  uint32_t valid;  // 1: of the validation file
  int64_t time;    // 0 without times
  uint64_t place;  // byte of the file's text where the line begins: the order in the file
};

/// A line that cannot be read. The first one of a file is the error to report, whichever slice it is in.
struct BadLine {
  uint64_t place = 0;
  std::string text;
  std::string problem;
};

/// Appends this slice's lines of a file, and their ids. Stops at the first bad line of the slice and returns
/// it. Blank lines are passed over. Error{data} when the file cannot be read.
std::optional<BadLine> read_ratings(const std::string& path, const TextLayout& layout, Slice slice,
                                    bool valid, IdSet& users, IdSet& items, std::vector<RawRating>& ratings);

}  // namespace ncf
