#include "comm/mpi_call.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "ncf/util/error.hpp"

namespace ncf {

void check_mpi(int code, const char* verb) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ErrorKind::peer,
              std::string(verb) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

void end_job(MPI_Comm comm, int exit_code) {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  if (initialized && !finalized) {
    end_process_after(5, exit_code);
    MPI_Abort(comm, exit_code);
  }
  std::_Exit(exit_code);
}

void end_process_after(double seconds, int exit_code) {
  try {
    std::thread([=] {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      std::_Exit(exit_code);
    }).detach();
  } catch (const std::exception&) {
    // No thread to be had: what follows has to do without this safety net.
  }
}

}  // namespace ncf
