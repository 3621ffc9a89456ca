#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "app/command.hpp"
#include "ncf/train/run_view.hpp"

namespace ncf::app {
namespace {

constexpr auto look_every = std::chrono::seconds(1);
constexpr const char* from_the_top = "\x1b[H\x1b[J";  // of the screen, which is cleared from there

/// Shows the run on the terminal until it is over.
void watch(const std::string& dir) {
  std::cout << "\x1b[2J";
  for (RunView view = look_at_run(dir); !view.ended(); view = look_at_run(dir)) {
    std::cout << from_the_top << to_text(view) << std::flush;
    std::this_thread::sleep_for(look_every);
  }
  std::cout << from_the_top;
}

}  // namespace

Command top_command() {
  Command command;
  command.name = "top";
  command.summary = "a running job, from any host that sees its directory: progress, ranks, time left";
  command.description =
      R"(Shows a run by what is in its directory alone: how far it is, its speed and time left, its last epoch, the
slowest rank, how busy each rank is and how much memory it has, and whether the run is still alive. On a terminal
this is renewed every second until the run is over; else, or with --once, it is printed once.

  ncf_dist top runs/ml-100k
  ncf_dist top runs/ml-100k --once

"busy" is the share of the last second or so that a rank was not in a collective, where it waits for others.
)";
  command.flags = {{"once", "", "print once, also on a terminal"}};
  command.shows_keys = false;
  command.takes = {.keys = false, .operand = "RUN"};
  command.print = [](const CommandLine& line, const LoadedConfig&) {
    if (!line.flags.contains("once") && isatty(STDOUT_FILENO) == 1) watch(line.operand);
    return to_text(look_at_run(line.operand));
  };
  return command;
}

}  // namespace ncf::app
