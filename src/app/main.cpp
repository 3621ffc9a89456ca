// The life of the process: MPI's defaults, MPI, the job.
#include <cstdlib>
#include <string>
#include <vector>

#include "app/job.hpp"
#include "ncf/comm/communicator.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/util/log.hpp"

namespace {

/// Under mpirun or srun the ranks must find each other even to print a help text once.
bool launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name)) return true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  ncf::set_open_mpi_defaults();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!launched())
    if (const auto exit_code = ncf::app::answer_alone(arguments)) return *exit_code;
  ncf::MpiSession session(&argc, &argv);
  ncf::Communicator comm = ncf::Communicator::world();
  ncf::start_log(comm.rank(), comm.size(), ncf::host_name());
  return ncf::app::run_job(arguments, comm);
}
