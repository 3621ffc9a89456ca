#include "ncf/util/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ncf {
namespace {

struct Speaker {
  int rank = 0;
  std::string name;  // " on rank 3 of 8 (node2)"; empty when alone
};

/// Who this process is does not change after its start, and every layer may have something to say.
Speaker& speaker() {
  static Speaker self;
  return self;
}

void say(spdlog::level::level_enum level, const char* kind, const std::string& who,
         const std::string& message) {
  static const auto logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("ncf_dist", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%n: %v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  logger->log(level, "{}{}: {}", kind, who, message);
}

}  // namespace

void start_log(int rank, int ranks, const std::string& host) {
  speaker().rank = rank;
  speaker().name =
      ranks == 1 ? ""
                 : " on rank " + std::to_string(rank) + " of " + std::to_string(ranks) + " (" + host + ")";
}

void log_warning(const std::string& message) {
  if (speaker().rank == 0) say(spdlog::level::warn, "warning", "", message);
}

void log_error(const std::string& message) {
  if (speaker().rank == 0) say(spdlog::level::err, "error", "", message);
}

void log_rank_warning(const std::string& message) {
  say(spdlog::level::warn, "warning", speaker().name, message);
}

void log_rank_error(const std::string& message) {
  say(spdlog::level::err, "error", speaker().name, message);
}

}  // namespace ncf
