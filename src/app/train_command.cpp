#include "app/command.hpp"
#include "ncf/train/run.hpp"
#include "ncf/util/error.hpp"

namespace ncf::app {

Command train_command() {
  Command command;
  command.name = "train";
  command.summary = "trains a model; the default command";
  command.description =
      R"(Trains a model on ratings and writes metrics, configuration and checkpoint into run.dir.

  ncf_dist --run.dir runs/try                        synthetic ratings, one process
  mpirun -n 8 ncf_dist --config ml.yaml              eight ranks, settings from a file
  mpirun -n 8 ncf_dist train --config ml.yaml --train.epochs 20 --model.hidden '[128, 64]'
  mpirun -n 4 ncf_dist --config ml.yaml --resume     continue where a run stopped, on any number of ranks

SIGTERM, SIGUSR1 or Ctrl-C (once), run.stop_before and the end of a SLURM job save and stop with exit code 75.
)";
  command.flags = {
      {"resume", "", "continue from the newest valid checkpoint of run.dir; start if there is none"},
      {"init-from", "CHECKPOINT", "start from the weights of this checkpoint, or of a run's newest"},
      {"trace", "FILE", "write what every rank did in the first steps, for ui.perfetto.dev (run.trace)",
       "run.trace"}};
  command.run = [](const CommandLine& line, const Config& config, Communicator& comm) {
    RunStart start{.resume = line.flags.contains("resume"), .init_from = {}};
    if (const auto from = line.flags.find("init-from"); from != line.flags.end()) {
      start.init_from = from->second;
      if (start.init_from.empty())
        throw Error(ErrorKind::usage, "command line: --init-from takes the path of a checkpoint", true);
    }
    return run_training(config, comm, start);
  };
  return command;
}

}  // namespace ncf::app
