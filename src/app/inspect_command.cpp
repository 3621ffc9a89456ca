#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string_view>

#include "app/command.hpp"
#include "app/inspect.hpp"
#include "ncf/checkpoint/choose.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/io/hdf5.hpp"
#include "ncf/util/error.hpp"

namespace ncf::app {
namespace {

namespace fs = std::filesystem;

struct Wish {
  std::string path;
  bool verify = false;
  bool json = false;
};

void print(Communicator& comm, const std::string& text) {
  if (comm.is_root()) std::cout << text << std::flush;
}

/// The report is out; what is left is the exit code and one line for people who read only errors. Collective.
int conclude(Communicator& comm, ErrorKind kind, const std::string& damage_at_root) {
  const std::string damage = comm.broadcast(damage_at_root, 0);
  if (damage.empty()) return 0;
  throw Error(kind, damage, true);
}

std::string damage_of(const CheckpointSurvey& s) {
  if (s.intact()) return "";
  const Fault& first = s.faults.front();
  return s.path + (first.file.empty() ? ": " : "/" + first.file + ": ") + first.problem +
         (s.faults.size() == 1 ? "" : " (and " + std::to_string(s.faults.size() - 1) + " more)");
}

int inspect_checkpoint(const Wish& wish, Communicator& comm) {
  const Verify verify = wish.verify ? Verify::digests : Verify::sizes;
  const CheckpointSurvey survey = survey_checkpoint(comm, wish.path, verify);
  const bool damaged = comm.max(int64_t{comm.is_root() && !survey.intact() ? 1 : 0}) == 1;
  const std::string sibling = damaged ? intact_sibling(comm, wish.path, verify) : "";
  if (comm.is_root())
    print(comm, wish.json ? checkpoint_as_json(survey, sibling) : checkpoint_in_words(survey, sibling));
  return conclude(comm, ErrorKind::checkpoint, comm.is_root() ? damage_of(survey) : "");
}

int inspect_run(const Wish& wish, bool is_run, Communicator& comm) {
  const InspectedRun run{wish.path, is_run,
                         survey_checkpoints(comm, is_run ? wish.path + "/checkpoints" : wish.path,
                                            wish.verify ? Verify::digests : Verify::sizes)};
  std::string damage;
  if (comm.is_root()) {
    print(comm, wish.json ? run_as_json(run) : run_in_words(run));
    for (const auto& c : run.all.checkpoints)
      if (damage.empty()) damage = damage_of(c);
  }
  return conclude(comm, ErrorKind::checkpoint, damage);
}

int inspect_dataset(const Wish& wish, Communicator& comm) {
  const DatasetSurvey survey = survey_dataset(comm, wish.path, wish.verify);
  if (comm.is_root()) print(comm, wish.json ? dataset_as_json(survey) : dataset_in_words(survey));
  return conclude(comm, ErrorKind::data,
                  comm.is_root() && !survey.intact() ? survey.faults.front() : std::string());
}

constexpr const char* wanted =
    "; inspect takes a data set that `ncf_dist prepare` made, a checkpoint (step-…), or a run's directory";

/// Whether a file can be meant as a prepared data set: it begins like HDF5, or is called so.
bool may_be_dataset(const std::string& path) {
  std::array<char, 8> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  if (std::string_view(head.data(), head.size()) != "\x89HDF\r\n\x1a\n")
    return path.ends_with(".h5") || path.ends_with(".hdf5");
  try {
    return Hdf5File::open(path, ErrorKind::data).has_attribute("format");
  } catch (const Error&) {
    return true;  // damaged; the survey says how
  }
}

/// Throws when the path is nothing that can be inspected.
void check_dataset_path(const std::string& path) {
  const auto no = [&](const std::string& what) {
    return Error(ErrorKind::usage, path + ": " + what + wanted);
  };
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw no("no such file or directory");
  if (fs::is_directory(path, ignored)) throw no("is a directory without checkpoints");
  const fs::path above = fs::absolute(path).parent_path();
  const std::string name = fs::path(path).filename();
  if ((name.ends_with(".h5") || name.ends_with(".json")) && kind_of_path(above) == CheckpointPath::checkpoint)
    throw no("is a part of the checkpoint " + above.string() + ", inspect that");
  if (!may_be_dataset(path)) throw no("is neither");
}

int inspect(const Wish& wish, Communicator& comm) {
  const auto kind = static_cast<CheckpointPath>(
      comm.max(comm.is_root() ? static_cast<int64_t>(kind_of_path(wish.path)) : int64_t{0}));
  switch (kind) {
    case CheckpointPath::checkpoint:
      return inspect_checkpoint(wish, comm);
    case CheckpointPath::unfinished:
      throw Error(
          ErrorKind::checkpoint,
          wish.path +
              ": is left of a save or removal that was cut short, and no checkpoint; nobody reads it, "
              "and the next save of the run sweeps it away",
          true);
    case CheckpointPath::checkpoints:
    case CheckpointPath::run:
      return inspect_run(wish, kind == CheckpointPath::run, comm);
    case CheckpointPath::none:
      break;
  }
  agree(comm, [&] {
    if (comm.is_root()) check_dataset_path(wish.path);
  });
  return inspect_dataset(wish, comm);
}

}  // namespace

Command inspect_command() {
  Command command;
  command.name = "inspect";
  command.summary = "what a data set, a checkpoint or a run holds, and whether it is intact";
  command.description =
      R"(Tells what PATH holds and what is wrong with it: a data set made by `ncf_dist prepare`, a checkpoint
(step-…, latest, best), or the directory of a run, with all its checkpoints and which one --resume would take.
Sizes and the like are always looked at; --verify reads everything and checks every digest.

  ncf_dist inspect ratings.h5
  ncf_dist inspect runs/ml-100k --verify
  mpirun -n 8 ncf_dist inspect runs/a/checkpoints/best --verify      the files shared among the ranks
  ncf_dist inspect runs/a --json | jq .resume_from

Exit code: 0 intact, 3 a damaged data set, 4 a damaged checkpoint (of a run: any), 2 nothing that can be inspected.
)";
  command.flags = {{"verify", "", "check every digest, not only sizes"},
                   {"json", "", "print one JSON document instead of words"}};
  command.takes = {.keys = false, .operand = "PATH"};
  command.run = [](const CommandLine& line, const Config&, Communicator& comm) {
    return inspect({.path = comm.broadcast(followed(line.operand), 0),
                    .verify = line.flags.contains("verify"),
                    .json = line.flags.contains("json")},
                   comm);
  };
  return command;
}

}  // namespace ncf::app
