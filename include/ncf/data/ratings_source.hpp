#pragma once
/// Where the ratings of a data set lie and in which format: what data.path, data.format and data.split mean.

#include <string>

#include "ncf/config/config.hpp"

namespace ncf {

struct RatingsSource {
  DataFormat format = DataFormat::csv;  // never automatic
  std::string ratings;                  // the file with all ratings, or with the training part
  std::string valid;                    // the file with the validation part; empty: not given by files
  std::string side_folder;              // where side files lie; empty: the format has none
};

/// Looks at the file system and at the beginning of a file, but reads no ratings. `config.path` is not empty.
/// Errors: Error{data} when there is no such path or no ratings in it (with what was looked for) or more than
/// one candidate; Error{usage} when keys contradict each other or the format.
RatingsSource find_ratings(const DataConfig& config);

}  // namespace ncf
