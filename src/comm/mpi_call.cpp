#include "comm/mpi_call.hpp"

#include <string>

#include "ncf/util/clock.hpp"
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

Whereabouts& whereabouts() {
  static Whereabouts one;  // the process has one; the watchdog thread reads it
  return one;
}

InCollective::InCollective(const char* verb) {
  Whereabouts& w = whereabouts();
  w.verb.store(verb, std::memory_order_relaxed);
  w.sequence.fetch_add(1, std::memory_order_relaxed);
  w.since.store(now_s(), std::memory_order_release);
}

InCollective::~InCollective() {
  whereabouts().since.store(0, std::memory_order_release);
}

}  // namespace ncf
