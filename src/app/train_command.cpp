#include "app/command.hpp"
#include "ncf/train/run.hpp"

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
)";
  command.run = [](const CommandLine&, const Config& config, Communicator& comm) {
    return run_training(config, comm);
  };
  return command;
}

}  // namespace ncf::app
