#include "ncf/checkpoint/choose.hpp"

#include <filesystem>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;

CheckpointPath told_by_contents(const std::string& directory) {
  bool steps = false, run = false;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename();
    if (name == manifest_name || name == model_name || (name.starts_with("shard-") && name.ends_with(".h5")))
      return CheckpointPath::checkpoint;
    run |= name == "config.yaml" || name == "metrics.jsonl" ||
           (name == "checkpoints" && entry.is_directory(ignored));
    steps |= checkpoint_step(name).has_value() || is_leftover(name);
  }
  return run ? CheckpointPath::run : steps ? CheckpointPath::checkpoints : CheckpointPath::none;
}

/// "; the newest: …" of what was passed over.
std::string newest_of(const std::vector<std::string>& skipped) {
  return skipped.empty() ? "" : "; the newest: " + skipped.front();
}

}  // namespace

std::string followed(const std::string& path) {
  fs::path p(path);
  while (!p.has_filename() && p.has_relative_path()) p = p.parent_path();
  std::error_code error;
  const fs::path target = fs::read_symlink(p, error);
  if (error || !checkpoint_step(target.filename())) return p;
  return target.is_absolute() ? target : p.parent_path() / target;
}

CheckpointPath kind_of_path(const std::string& path) {
  const fs::path p(followed(path));
  std::error_code ignored;
  if (checkpoint_step(p.filename()) && fs::symlink_status(p, ignored).type() != fs::file_type::regular)
    return CheckpointPath::checkpoint;
  if (!fs::is_directory(p, ignored)) return CheckpointPath::none;
  if (is_leftover(p.filename())) return CheckpointPath::unfinished;
  const CheckpointPath told = told_by_contents(p);
  if (told == CheckpointPath::none && p.filename() == "checkpoints") return CheckpointPath::checkpoints;
  return told;
}

Candidate choose_checkpoint(Communicator& comm, const std::string& path) {
  const std::string place = comm.broadcast(followed(path), 0);
  const auto found = static_cast<CheckpointPath>(
      comm.max(comm.is_root() ? static_cast<int64_t>(kind_of_path(place)) : int64_t{0}));
  Candidate chosen;
  switch (found) {
    case CheckpointPath::checkpoint:
      chosen.manifest = open_checkpoint(comm, place);
      chosen.path = place;
      return chosen;
    case CheckpointPath::checkpoints:
      chosen = newest_checkpoint(comm, place);
      break;
    case CheckpointPath::run:
      chosen = newest_checkpoint(comm, place + "/checkpoints");
      break;
    case CheckpointPath::unfinished:
      throw Error(kind, place + ": is a save that was cut short, not a checkpoint", true);
    case CheckpointPath::none:
      throw Error(
          kind, place + ": there is no checkpoint; it takes a directory step-…, or a run's with checkpoints",
          true);
  }
  if (chosen.path.empty())
    throw Error(kind, place + ": has no valid checkpoint" + newest_of(chosen.skipped), true);
  return chosen;
}

}  // namespace ncf
