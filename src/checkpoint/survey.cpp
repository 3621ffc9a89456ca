#include "ncf/checkpoint/survey.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/io/digest.hpp"
#include "survey_files.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

/// Everything but digests.
CheckpointSurvey look_at(const std::string& directory) {
  CheckpointSurvey survey;
  survey.path = directory;
  survey.step = checkpoint_step(fs::path(directory).filename()).value_or(-1);
  if (!fs::is_directory(directory)) {
    survey.faults.push_back({"", "is not there", "", ""});
    return survey;
  }
  look_at_manifest(survey);
  look_at_files(survey);
  look_at_model(survey);
  return survey;
}

/// Digests of files, "" for one that cannot be read; each by one rank. The root gives the paths and gets the
/// result. Collective.
std::vector<std::string> digests_of(Communicator& comm, const std::vector<std::string>& root_paths) {
  std::string list;
  for (const auto& path : root_paths) list += path + "\n";
  std::istringstream lines(comm.broadcast(list, 0));
  std::vector<std::string> paths, digests;
  for (std::string path; std::getline(lines, path);) paths.push_back(path);
  // A round for each file a rank: nobody waits longer for the others than one file takes.
  for (std::size_t first = 0; first < paths.size(); first += static_cast<std::size_t>(comm.size())) {
    const std::size_t mine = first + static_cast<std::size_t>(comm.rank());
    std::string digest;
    if (mine < paths.size()) try {
        digest = digest_file(paths[mine], ErrorKind::checkpoint).digest;
      } catch (const Error&) {
        digest.clear();
      }
    for (const auto& d : comm.all_gather(digest)) digests.push_back(d);
  }
  digests.resize(paths.size());
  return digests;
}

/// Whether a file has the size it should, or that of another, in whose place it may stand.
bool may_be_one_of(const CheckpointSurvey& survey, const FileRecord& file) {
  return std::ranges::any_of(survey.files, [&](FileRecord other) {
    other.name = file.name;
    return has_size(survey.path, other);
  });
}

void check_digests(Communicator& comm, CheckpointSurvey& survey) {
  std::vector<FileRecord> whole;
  std::vector<std::string> paths;
  for (const auto& file : survey.files)
    if (!file.digest.empty() && may_be_one_of(survey, file)) {
      whole.push_back(file);
      paths.push_back(survey.path + "/" + file.name);
    }
  const auto found = digests_of(comm, paths);
  if (!comm.is_root()) return;
  survey.digests_checked = survey.manifest.has_value();
  for (std::size_t f = 0; f < whole.size(); ++f)
    if (found[f] != whole[f].digest) blame_digest(survey, whole[f], found[f]);
}

std::string link_target(const std::string& link) {
  std::error_code none;
  const fs::path target = fs::read_symlink(link, none);
  return none ? "" : target.filename().string();
}

/// Directories step-…, newest first, and leftovers.
CheckpointsSurvey listing(const std::string& checkpoints) {
  CheckpointsSurvey all;
  all.path = checkpoints;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoints, error)) {
    const std::string name = entry.path().filename();
    if (const auto step = checkpoint_step(name)) {
      all.checkpoints.emplace_back();
      all.checkpoints.back().path = entry.path();
      all.checkpoints.back().step = *step;
    } else if (is_leftover(name)) {
      all.leftovers.push_back(name);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error(ErrorKind::checkpoint, "cannot read " + checkpoints + ": " + error.message());
  std::ranges::sort(all.checkpoints, std::greater{}, &CheckpointSurvey::step);
  std::ranges::sort(all.leftovers);
  all.latest = link_target(checkpoints + "/latest");
  all.best = link_target(checkpoints + "/best");
  return all;
}

}  // namespace

CheckpointSurvey survey_checkpoint(Communicator& comm, const std::string& directory, Verify verify) {
  CheckpointSurvey survey;
  agree(comm, [&] {
    if (comm.is_root()) survey = look_at(directory);
  });
  if (verify == Verify::digests) check_digests(comm, survey);
  if (comm.is_root()) advise(survey);
  return survey;
}

CheckpointsSurvey survey_checkpoints(Communicator& comm, const std::string& checkpoints, Verify verify) {
  CheckpointsSurvey all;
  agree(comm, [&] {
    if (comm.is_root()) all = listing(checkpoints);
  });
  all.checkpoints.resize(static_cast<std::size_t>(comm.max(std::ssize(all.checkpoints))));
  for (auto& checkpoint : all.checkpoints) checkpoint = survey_checkpoint(comm, checkpoint.path, verify);
  const auto found = std::ranges::find_if(all.checkpoints, &CheckpointSurvey::intact);
  if (found != all.checkpoints.end()) all.resume_from = found->path;
  return all;
}

std::string intact_sibling(Communicator& comm, const std::string& directory, Verify verify) {
  const fs::path path = fs::path(directory);
  CheckpointsSurvey all;
  agree(comm, [&] {
    if (!comm.is_root()) return;
    all = listing(path.has_parent_path() ? path.parent_path().string() : ".");
    std::erase_if(all.checkpoints,
                  [&](const auto& c) { return fs::path(c.path).filename() == path.filename(); });
  });
  all.checkpoints.resize(static_cast<std::size_t>(comm.max(std::ssize(all.checkpoints))));
  for (const auto& other : all.checkpoints) {
    const CheckpointSurvey survey = survey_checkpoint(comm, other.path, verify);
    if (comm.max(int64_t{comm.is_root() && survey.intact() ? 1 : 0}) == 1) return survey.path;
  }
  return "";
}

}  // namespace ncf
