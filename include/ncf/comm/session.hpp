#pragma once
/// The life of MPI in this process, and the defaults Open MPI needs to behave on shared and small machines.

#include <string>

namespace ncf {

/// Sets `mpi_yield_when_idle` and the like in the environment, never over what the user set. Before
/// MpiSession.
void set_open_mpi_defaults();

/// MPI_Init_thread on construction, MPI_Finalize on destruction. One a process, made in main; it also works
/// in a process started without mpirun, which is then alone. Once there was a Watchdog, its limit holds for
/// MPI_Finalize too: a rank that waits longer for the others says so and ends with exit code 5. Collective.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

/// "Open MPI v4.1.4" or what else the library calls itself.
std::string mpi_library_version();
std::string host_name();

}  // namespace ncf
