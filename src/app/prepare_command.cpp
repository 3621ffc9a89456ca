#include "app/command.hpp"
#include "ncf/ingest/prepare.hpp"
#include "ncf/util/error.hpp"

namespace ncf::app {

Command prepare_command() {
  Command command;
  command.name = "prepare";
  command.summary = "turns ratings of any supported format into one HDF5 data set";
  command.description =
      R"(Reads ratings as data.path and the other data keys say and writes one HDF5 data set, which loads faster.

  ncf_dist prepare --data.path data/ml-1m --output data/ml-1m.h5
  mpirun -n 8 ncf_dist prepare --config csv.yaml --output ratings.h5
  mpirun -n 8 ncf_dist --config ml.yaml --data.path data/ml-1m.h5          then train on it
)";
  command.flags = {{"output", "FILE.h5", "the data set to write; it replaces a file of that name"}};
  command.shows_keys = false;
  command.run = [](const CommandLine& line, const Config& config, Communicator& comm) {
    const auto output = line.flags.find("output");
    if (output == line.flags.end() || output->second.empty())
      throw Error(ErrorKind::usage, "command line: prepare needs --output FILE.h5, the data set to write",
                  true);
    return prepare(config, output->second, comm);
  };
  return command;
}

}  // namespace ncf::app
