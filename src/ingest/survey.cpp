#include "ncf/ingest/survey.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>

#include "ncf/comm/agreement.hpp"
#include "ncf/io/hdf5.hpp"

namespace ncf {
namespace {

constexpr int64_t block = 1 << 22;  // ratings read at once

std::vector<ColumnRecord> columns_of(const Hdf5File& file, const std::string& group) {
  std::vector<ColumnRecord> out;
  if (!file.has(group)) return out;
  for (const auto& name : file.names_in(group)) {
    const std::string path = group + "/" + name;
    out.push_back({name, file.is_group(path)        ? "list of texts"
                         : file.holds_strings(path) ? "text"
                                                    : "number"});
  }
  return out;
}

void look_at_ratings(const Hdf5File& file, DatasetSurvey& survey) {
  const int64_t rows = survey.info->ratings;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (int64_t first = 0; first < rows; first += block) {
    const int64_t count = std::min(block, rows - first);
    for (const float value : file.read_part<float>("/ratings/value", first, count)) {
      low = std::min(low, static_cast<double>(value));
      high = std::max(high, static_cast<double>(value));
    }
    if (!survey.info->columns.valid) continue;
    const auto flags = file.read_part<uint8_t>("/ratings/valid", first, count);
    survey.valid_rows += std::ranges::count(flags, uint8_t{1});
  }
  survey.rating_min = low;
  survey.rating_max = high;
}

/// Everything but digests.
DatasetSurvey look_at(const std::string& path) {
  DatasetSurvey survey;
  survey.path = path;
  try {
    survey.bytes = static_cast<int64_t>(std::filesystem::file_size(path));
    survey.info = read_dataset_info(path);
    const auto file = Hdf5File::open(path, ErrorKind::data);
    survey.user_columns = columns_of(file, "/users/columns");
    survey.item_columns = columns_of(file, "/items/columns");
    look_at_ratings(file, survey);
  } catch (const Error& e) {
    survey.faults.emplace_back(e.what());
  }
  return survey;
}

std::string fault_of(const std::function<void()>& check) {
  try {
    check();
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

/// Slices small enough that a rank holds one at a time and nobody waits long for another. Collective.
void check_contents(Communicator& comm, DatasetSurvey& survey) {
  const int64_t ratings = comm.max(comm.is_root() && survey.info ? survey.info->ratings : int64_t{-1});
  if (ratings < 0) return;
  const int64_t rounds = ratings / comm.size() / block + 1;
  for (int64_t round = 0; round < rounds; ++round) {
    const Slice slice{round * comm.size() + comm.rank(), rounds * comm.size()};
    for (const auto& fault : comm.all_gather(fault_of([&] { read_dataset_file(survey.path, slice); })))
      if (!fault.empty() && std::ranges::find(survey.faults, fault) == survey.faults.end())
        survey.faults.push_back(fault);
  }
  if (!comm.is_root()) return;
  survey.contents_checked = true;
  // Damaged ids or ratings would be blamed a second time.
  if (const auto fault = fault_of([&] { check_whole_dataset(survey.path); });
      !fault.empty() && survey.faults.empty())
    survey.faults.push_back(fault);
}

}  // namespace

DatasetSurvey survey_dataset(Communicator& comm, const std::string& path, bool whole) {
  DatasetSurvey survey;
  agree(comm, [&] {
    if (comm.is_root()) survey = look_at(path);
  });
  survey.path = path;
  if (whole) check_contents(comm, survey);
  if (!comm.is_root() || survey.intact()) return survey;
  const bool later = survey.faults.front().find("has format version") != std::string::npos;
  survey.advice.push_back(later ? "a later ncf_dist wrote it, and reads it"
                          : survey.info
                              ? "prepare it again from " + survey.info->source
                              : "prepare it again: ncf_dist prepare --data.path … --output " + path);
  return survey;
}

}  // namespace ncf
