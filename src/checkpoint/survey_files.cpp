#include "survey_files.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/io/hdf5.hpp"
#include "ncf/util/number_text.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;

std::string without_path(const std::string& message, const std::string& path) {
  return message.starts_with(path + ": ") ? message.substr(path.size() + 2) : message;
}

Fault* fault_of(CheckpointSurvey& survey, const std::string& file) {
  const auto found = std::ranges::find(survey.faults, file, &Fault::file);
  return found == survey.faults.end() ? nullptr : &*found;
}

/// "shard-0003-of-0008.h5" → {3, 8}
struct Owner {
  int64_t rank = -1, ranks = 0;
};
Owner owner_in(const std::string& name) {
  long long rank = -1, ranks = 0;
  int end = 0;
  if (std::sscanf(name.c_str(), "shard-%lld-of-%lld.h5%n", &rank, &ranks, &end) != 2 || rank < 0 ||
      name != shard_name(rank, ranks))
    return {};
  return {rank, ranks};
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

/// Without a manifest, the names of shards tell how many there should be.
void expect_all_shards(CheckpointSurvey& survey, const std::vector<std::string>& names) {
  int64_t ranks = 0;
  for (const auto& name : names) ranks = std::max(ranks, owner_in(name).ranks);
  std::vector<std::string> wanted;
  for (int64_t rank = 0; rank < ranks; ++rank) wanted.push_back(shard_name(rank, ranks));
  wanted.emplace_back(model_name);
  for (const auto& name : wanted) {
    std::error_code absent;
    const auto bytes = fs::file_size(survey.path + "/" + name, absent);
    if (absent)
      survey.faults.push_back({name, "is missing", "", ""});
    else
      survey.files.push_back({name, static_cast<int64_t>(bytes), ""});
  }
}

void check_size(CheckpointSurvey& survey, const FileRecord& file) {
  std::error_code absent;
  const auto bytes = fs::file_size(survey.path + "/" + file.name, absent);
  if (absent) {
    survey.faults.push_back({file.name,
                             absent == std::errc::no_such_file_or_directory
                                 ? "is missing"
                                 : "cannot be read: " + absent.message(),
                             grouped(file.bytes) + " bytes", ""});
  } else if (static_cast<int64_t>(bytes) != file.bytes) {
    const bool cut = static_cast<int64_t>(bytes) < file.bytes;
    survey.faults.push_back({file.name, cut ? "is cut short" : "is too long, not the file that was saved",
                             grouped(file.bytes) + " bytes",
                             grouped(static_cast<int64_t>(bytes)) + " bytes"});
  }
}

/// Whose a shard is, as it says itself: "rank 2 of 3, step 900, seed 42".
std::string owner_text(int64_t rank, int64_t ranks, int64_t step, uint64_t seed) {
  return "rank " + std::to_string(rank) + " of " + std::to_string(ranks) + ", step " + std::to_string(step) +
         ", seed " + std::to_string(seed);
}

void check_owner(CheckpointSurvey& survey, const std::string& name) {
  const std::string path = survey.path + "/" + name;
  Fault* known = fault_of(survey, name);
  if (known && known->problem == "is missing") return;
  try {
    const auto file = Hdf5File::open(path, kind);
    const auto step = file.attribute<int64_t>("step");
    const auto seed = file.attribute<uint64_t>("seed");
    const Owner owner = owner_in(name);
    const std::string expected =
        owner_text(owner.rank, owner.ranks, survey.manifest ? survey.manifest->progress.step : survey.step,
                   survey.manifest ? survey.manifest->seed : seed);
    const std::string found =
        owner_text(file.attribute<int64_t>("rank"), file.attribute<int64_t>("ranks"), step, seed);
    if (expected == found) return;
    if (!known) known = &survey.faults.emplace_back(Fault{name, "", "", ""});
    *known = {name, "is not the shard its name says, but one put in its place", expected, found};
  } catch (const Error& e) {
    if (!known) survey.faults.push_back({name, "is damaged: " + without_path(e.what(), path), "", ""});
  }
}

void add_parameters(const Hdf5File& file, const std::string& group, const MomentNames& moments,
                    CheckpointSurvey& survey) {
  const auto is_moment = [](const std::string& name, const std::string& moment) {
    return !moment.empty() && name.ends_with("_" + moment);
  };
  for (const auto& name : file.names_in(group.empty() ? "/" : group)) {
    const std::string path = group + "/" + name;
    if (path == "/embedding" || path == "/vocabulary") continue;
    const bool is_table = group == "/gmf" && file.is_group(path);
    if (is_table) continue;
    if (file.is_group(path))
      add_parameters(file, path, moments, survey);
    else if (!is_moment(name, moments.first) && !is_moment(name, moments.second))
      survey.parameters.push_back({path, file.shape(path)});
  }
}

}  // namespace

void look_at_manifest(CheckpointSurvey& survey) {
  const std::string path = survey.path + "/" + manifest_name;
  const auto names = names_in(survey.path);
  if (std::ranges::find(names, manifest_name) == names.end()) {
    survey.faults.push_back({manifest_name, "is missing", "", ""});
  } else {
    try {
      survey.manifest = read_manifest(survey.path);
    } catch (const Error& e) {
      survey.faults.push_back({manifest_name, without_path(e.what(), path), "", ""});
    }
  }
  if (!survey.manifest) return expect_all_shards(survey, names);
  survey.files = survey.manifest->files;
  const int64_t step = survey.manifest->progress.step;
  if (survey.step >= 0 && survey.step != step)
    survey.faults.push_back({"", "has another checkpoint's name", checkpoint_name(step),
                             fs::path(survey.path).filename().string()});
  std::set<std::string> known = {manifest_name};
  for (const auto& file : survey.files) known.insert(file.name);
  std::ranges::copy_if(names, std::back_inserter(survey.strays),
                       [&](const auto& name) { return !known.contains(name); });
}

void look_at_files(CheckpointSurvey& survey) {
  if (survey.manifest) {
    for (const auto& file : survey.files) check_size(survey, file);
    for (int64_t rank = 0; rank < survey.manifest->ranks; ++rank) {
      const std::string name = shard_name(rank, survey.manifest->ranks);
      if (std::ranges::find(survey.files, name, &FileRecord::name) == survey.files.end())
        survey.faults.push_back({name, "is not named by the manifest", "", ""});
    }
  }
  for (const auto& file : survey.files)
    if (owner_in(file.name).ranks > 0) check_owner(survey, file.name);
}

void look_at_model(CheckpointSurvey& survey) {
  const std::string path = survey.path + "/" + model_name;
  try {
    const auto file = Hdf5File::open(path, kind);
    survey.config_yaml = file.text_attribute("config");
    const auto size_of = [&](const std::string& name) {
      return file.has(name) ? file.shape(name).at(0) : -1;
    };
    survey.users = size_of("/vocabulary/user");
    survey.items = size_of("/vocabulary/item");
    const MomentNames moments = survey.manifest ? survey.manifest->moments : MomentNames{};
    add_parameters(file, "", moments, survey);
    const auto step = file.attribute<int64_t>("step");
    const int64_t expected = survey.manifest ? survey.manifest->progress.step : survey.step;
    if (step != expected && !fault_of(survey, model_name))
      survey.faults.push_back({model_name, "is of another checkpoint", "step " + std::to_string(expected),
                               "step " + std::to_string(step)});
  } catch (const Error& e) {
    if (!fault_of(survey, model_name))
      survey.faults.push_back({model_name, "is damaged: " + without_path(e.what(), path), "", ""});
  }
}

bool has_size(const std::string& directory, const FileRecord& file) {
  std::error_code absent;
  const auto bytes = fs::file_size(directory + "/" + file.name, absent);
  return !absent && static_cast<int64_t>(bytes) == file.bytes;
}

void blame_digest(CheckpointSurvey& survey, const FileRecord& file, const std::string& found) {
  const auto twin = std::ranges::find_if(survey.files, [&](const auto& f) { return f.digest == found; });
  Fault* fault = fault_of(survey, file.name);
  if (twin != survey.files.end()) {
    if (!fault) fault = &survey.faults.emplace_back();
    *fault = {file.name, "holds what should be in " + twin->name, file.digest, found};
  } else if (!fault) {
    survey.faults.push_back({file.name,
                             found.empty()
                                 ? "cannot be read"
                                 : "is damaged: its size is right, but its contents do not fit their digest",
                             file.digest, found});
  }
}

void advise(CheckpointSurvey& survey) {
  const auto add = [&](const std::string& sentence) {
    if (std::ranges::find(survey.advice, sentence) == survey.advice.end()) survey.advice.push_back(sentence);
  };
  for (const auto& fault : survey.faults) {
    const Owner owner = owner_in(fault.file);
    if (fault.problem.starts_with("holds what should be in ")) {
      add("the contents are whole, only under wrong names: give these files the names they should have");
    } else if (owner.ranks > 0 && survey.manifest) {
      std::string lost;
      for (const auto& table : survey.manifest->tables)
        lost += (lost.empty() ? "" : ", ") + grouped(local_rows(table.rows, owner.rank, owner.ranks)) +
                " of " + grouped(table.rows) + " rows of " + table.name;
      add("without " + fault.file + " there are no rows " + std::to_string(owner.rank) + ", " +
          std::to_string(owner.rank + owner.ranks) + ", … (" + lost +
          "); a copy of the file from elsewhere would repair it");
    } else if (fault.file == model_name) {
      add("without model.h5 there are no layers, ids or configuration; the tables are in the shards");
    } else if (fault.file == manifest_name) {
      add(fault.problem.find("format version") != std::string::npos
              ? "a later ncf_dist wrote it, and reads it"
              : "without a manifest nothing tells whether the files are whole; HDF5 readers may open them, "
                "ncf_dist does not");
    } else if (fault.file.empty() && !fault.expected.empty()) {
      add("renamed to " + fault.expected + " it is right");
    }
  }
}

}  // namespace ncf
