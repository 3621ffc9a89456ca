#pragma once
/// MPI_Finalize waits for all ranks like a collective, but no Watchdog lives that long: it has its own time
/// limit.

namespace ncf {

/// How long MPI_Finalize may take in this process; the last call holds. Until there was one, it may take for
/// ever.
void set_finalize_timeout(double timeout_s);

/// MPI_Finalize; past the limit, ends this process with a message and exit code 5. Collective.
void finalize_mpi();

}  // namespace ncf
