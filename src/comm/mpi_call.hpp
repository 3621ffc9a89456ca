#pragma once
/// One check for every MPI call, and one way to end the whole job.

#include <mpi.h>

namespace ncf {

/// Throws Error{peer} with the verb and MPI's own text when `code` is not success.
void check_mpi(int code, const char* verb);

/// Ends all ranks of `comm` with this exit code: through MPI, or, should MPI be stuck or not running, by
/// ending this process, which the launcher takes as the end of the job. From any thread.
[[noreturn]] void end_job(MPI_Comm comm, int exit_code);

/// Ends this process with this exit code after `seconds`, whatever the other threads are stuck in.
void end_process_after(double seconds, int exit_code);

}  // namespace ncf
