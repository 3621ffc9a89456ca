#include "ncf/comm/session.hpp"

#include <unistd.h>

#include <cstdlib>

#include "comm/finalize.hpp"
#include "comm/mpi_call.hpp"

namespace ncf {
namespace {

/// Whether mpirun, or srun by way of PMIx or PMI, started this process.
bool started_by_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

}  // namespace

void set_open_mpi_defaults() {
  const auto offer = [](const char* name, const char* value) { setenv(name, value, 0); };
  // Without yielding, ranks that wait starve ranks that compute as soon as there are more ranks than cores.
  offer("OMPI_MCA_mpi_yield_when_idle", "1");
  // OMPIO loses data silently on a full disk; ROMIO reports it.
  offer("OMPI_MCA_io", "romio321");
  // Single copy needs ptrace rights, which containers withhold, and gains nothing measurable.
  offer("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
  // A process started without mpirun launches nobody: it needs neither ssh nor a daemon of its own (which
  // costs 0.3 s).
  offer("OMPI_MCA_ess_singleton_isolated", "1");
  // Nor a directory for others to find it: all such processes would share one, and trip over each other where
  // one makes it while another removes it.
  if (!started_by_launcher()) offer("OMPI_MCA_orte_create_session_dirs", "0");
}

MpiSession::MpiSession(int* argc, char*** argv) {
  int provided = 0;
  check_mpi(MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
}

MpiSession::~MpiSession() {
  finalize_mpi();
}

std::string mpi_library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

std::string host_name() {
  char text[256] = "";
  gethostname(text, sizeof text - 1);
  return text;
}

}  // namespace ncf
