#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "ncf/train/evaluate.hpp"
#include "ncf/util/error.hpp"

namespace ncf::app {
namespace {

/// A flag that, where given, may not be empty.
std::string text_of(const CommandLine& line, const std::string& flag, const std::string& takes) {
  const auto found = line.flags.find(flag);
  if (found == line.flags.end()) return "";
  if (found->second.empty())
    throw Error(ErrorKind::usage, "command line: --" + flag + " takes " + takes, true);
  return found->second;
}

nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

void print(const EvaluateResult& result) {
  const nlohmann::ordered_json json = {
      {"checkpoint", result.checkpoint},   {"step", result.step},
      {"rows", result.metrics.rows},       {"unknown_rows", result.unknown_rows},
      {"mse", number(result.metrics.mse)}, {"rmse", number(result.metrics.rmse)},
      {"mae", number(result.metrics.mae)}};
  std::cout << json.dump() << std::endl;
}

}  // namespace

Command evaluate_command() {
  Command command;
  command.name = "evaluate";
  command.summary = "metrics of a checkpoint on its validation part or on given ratings, as JSON";
  command.description =
      R"(Evaluates the model of a checkpoint and prints one line of JSON on standard output. Without --ratings it
does so on the validation part of the data it was trained with. The metrics are those that training printed:
to the last digit when train.reproducible is `ranks`, or on the same number of ranks and threads. Rows whose user
or item the checkpoint does not know (unknown_rows) count too: they are predicted from row 0. Works on any number
of ranks, each reading only its own rows.

  ncf_dist evaluate --checkpoint runs/ml-100k                            its newest valid checkpoint
  mpirun -n 8 ncf_dist evaluate --checkpoint runs/a/checkpoints/best
  ncf_dist evaluate --checkpoint runs/ml-100k --ratings new.csv          on all ratings of a file
  ncf_dist evaluate --checkpoint runs/ml-100k --data.path elsewhere/ml-100k

Keys given here, or in --config, go over the configuration that the checkpoint holds. How --ratings are read
(data.format, data.csv) is not taken from the checkpoint but found out, or as the keys here say.
)";
  command.flags = {{"checkpoint", "PATH", "a directory step-…, or a run's, whose newest valid one is taken"},
                   {"ratings", "FILE", "evaluate on all of these ratings, in any supported format"}};
  command.shows_keys = false;
  command.over_checkpoint = true;
  command.run = [](const CommandLine& line, const Config&, Communicator& comm) {
    EvaluateRequest request;
    request.checkpoint = text_of(line, "checkpoint", "the path of a checkpoint or a run");
    if (request.checkpoint.empty())
      throw Error(ErrorKind::usage, "command line: evaluate needs --checkpoint PATH", true);
    request.ratings = text_of(line, "ratings", "a file of ratings");
    const auto file = line.flags.find("config");
    request.overrides = {.file = file == line.flags.end() ? "" : file->second, .keys = line.keys};
    const EvaluateResult result = evaluate(request, comm);
    if (comm.is_root()) print(result);
    return 0;
  };
  return command;
}

}  // namespace ncf::app
