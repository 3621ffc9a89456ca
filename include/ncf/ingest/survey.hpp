#pragma once
/// What a prepared data set holds and what is wrong with it, for `inspect`. Faults are results here, not
/// errors.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/data/dataset_file.hpp"

namespace ncf {

struct ColumnRecord {
  std::string name;
  std::string holds;  // "text", "number", "list of texts"
};

struct DatasetSurvey {
  std::string path;
  int64_t bytes = 0;                    // of the file
  std::optional<DatasetFileInfo> info;  // none: it cannot be opened
  double rating_min = 0, rating_max = 0;
  int64_t valid_rows = 0;  // where it brings a split
  std::vector<ColumnRecord> user_columns, item_columns;
  bool contents_checked = false;
  std::vector<std::string> faults;
  std::vector<std::string> advice;

  bool intact() const { return faults.empty(); }
};

/// Reads the ratings' values and flags a block at a time. `whole`: also checks every digest and index, the
/// users shared among the ranks. The result is the root's. Collective.
DatasetSurvey survey_dataset(Communicator& comm, const std::string& path, bool whole);

}  // namespace ncf
