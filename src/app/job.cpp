#include "app/job.hpp"

#include <iostream>
#include <new>

#include "app/request.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/comm/watchdog.hpp"
#include "ncf/config/check.hpp"
#include "ncf/config/emit.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"

namespace ncf::app {
namespace {

constexpr int internal_error = static_cast<int>(ErrorKind::internal);

void print(const std::string& text) {
  std::cout << text << std::flush;
  if (!std::cout) throw Error(ErrorKind::internal, "cannot write to standard output");
}

void warn_of_idle_keys(const Request& request) {
  if (request.command.over_checkpoint) return;  // what they are laid over is not known yet
  for (const std::string& sentence : idle_keys(request.loaded.config, request.loaded.places))
    log_warning(sentence);
}

int work(std::span<const std::string> arguments, Communicator& comm) {
  const Request request = agreed(comm, [&] { return understand(arguments); });
  warn_of_idle_keys(request);
  if (request.text) {
    if (comm.is_root()) print(*request.text);
    return 0;
  }
  if (request.command.over_checkpoint) {
    Watchdog watchdog(comm, request.loaded.config.comm.timeout_s);
    return request.command.run(request.line, request.loaded.config, comm);
  }
  // Hosts may see different versions of the file: rank 0's holds.
  const Config config = config_from_yaml(comm.broadcast(to_yaml(request.loaded.config), 0), "rank 0").config;
  Watchdog watchdog(comm, config.comm.timeout_s);
  return request.command.run(request.line, config, comm);
}

/// The others know nothing of this failure and may wait for this rank: they are ended.
int fail_alone(Communicator& comm, const std::string& message, int exit_code) {
  log_rank_error(message);
  if (comm.size() > 1) comm.abort(exit_code);
  return exit_code;
}

}  // namespace

std::optional<int> answer_alone(std::span<const std::string> arguments) {
  try {
    const Request request = understand(arguments);
    if (!request.text) return {};
    warn_of_idle_keys(request);
    print(*request.text);
    return 0;
  } catch (const Error& e) {
    log_error(e.what());
    return e.exit_code();
  } catch (const std::exception& e) {
    log_error(e.what());
    return internal_error;
  }
}

int run_job(std::span<const std::string> arguments, Communicator& comm) {
  try {
    return work(arguments, comm);
  } catch (const Error& e) {
    if (!e.agreed()) return fail_alone(comm, e.what(), e.exit_code());
    log_error(e.what());
    return e.exit_code();
  } catch (const std::bad_alloc&) {
    return fail_alone(comm, "out of memory", internal_error);
  } catch (const std::exception& e) {
    return fail_alone(comm, e.what(), internal_error);
  } catch (...) {
    return fail_alone(comm, "an exception of unknown type", internal_error);
  }
}

}  // namespace ncf::app
