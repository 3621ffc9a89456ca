#include "rule.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <stdexcept>

namespace ncf::faults {
namespace {

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

/// Of mpirun, or 0 for a process of its own.
std::string own_rank() {
  const std::string rank = variable("OMPI_COMM_WORLD_RANK");
  return rank.empty() ? "0" : rank;
}

/// By system calls, since open() and write() are the shim's.
void leave_file(const std::string& name, const std::string& text) {
  const std::string directory = variable("NCF_FAULT_DIR");
  if (directory.empty()) return;
  const std::string path = directory + "/" + name;
  const long fd =
      syscall(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  syscall(SYS_write, fd, text.data(), text.size());
  syscall(SYS_close, fd);
}

int signal_named(const std::string& name) {
  if (name == "term") return SIGTERM;
  if (name == "usr1") return SIGUSR1;
  if (name == "int") return SIGINT;
  if (name == "kill") return SIGKILL;
  if (name == "stop") return SIGSTOP;
  return 0;
}

int error_named(const std::string& name) {
  const std::map<std::string, int> errors = {{"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EIO", EIO},
                                             {"EACCES", EACCES}, {"EROFS", EROFS},   {"EINVAL", EINVAL}};
  const auto found = errors.find(name);
  return found == errors.end() ? 0 : found->second;
}

[[noreturn]] void misspelt(const std::string& what) {
  leave_file("misspelt", what + "\n");
  std::_Exit(99);
}

}  // namespace

Fault::Fault() {
  std::istringstream words(variable("NCF_FAULT"));
  for (std::string word; words >> word;) {
    if (word == "trace") {
      trace_ = true;
      continue;
    }
    const auto equals = word.find('=');
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "rank") {
      rank_ = value;
    } else if (key == "call") {
      call_ = value;
    } else if (key == "path") {
      path_ = value;
    } else if (key == "arm") {
      arm_call_ = value.substr(0, value.find(':'));
      arm_nth_ = std::stol(value.substr(value.find(':') + 1));
    } else if (key == "nth") {
      nth_ = std::stol(value);
    } else if (key == "when") {
      when_ = value;
    } else if (key == "do") {
      what_ = value;
    } else if (key == "from") {
      always_ = value == "always";
    } else {
      misspelt(word);
    }
  }
  here_ = !call_.empty() && (rank_ == "all" || rank_ == own_rank());
}

void Fault::note(const std::string& call, const std::string& path) {
  leave_file("trace", call + " " + path + "\n");
}

bool Fault::due(const char* call, const std::string& path) {
  if (call_ != call) return false;
  const bool at_end = path_.ends_with('$');
  if (at_end ? !path.ends_with(path_.substr(0, path_.size() - 1)) : path.find(path_) == std::string::npos)
    return false;
  const std::lock_guard lock(mutex_);
  if (armed_by_ < arm_nth_) return false;
  ++seen_;
  return always_ ? seen_ >= nth_ : seen_ == nth_;
}

void Fault::returned(const char* call) {
  const std::lock_guard lock(mutex_);
  if (arm_call_ == call) ++armed_by_;
}

bool Fault::act() {
  leave_file("fired", "rank " + own_rank() + " " + call_ + " " + what_ + "\n");
  if (const int error = error_named(what_); error != 0) {
    errno = error;
    return false;
  }
  std::string name = what_;
  const bool launcher = name.starts_with("mpirun-");
  if (launcher) name = name.substr(7);
  const bool twice = name.ends_with("2");
  if (twice) name.pop_back();
  if (const int signal = signal_named(name); signal != 0) {
    for (int n = 0; n < (twice ? 2 : 1); ++n) ::kill(launcher ? getppid() : getpid(), signal);
    // mpirun takes its time to pass a signal on, in which a small training would finish. It ends this wait.
    constexpr timespec longest{.tv_sec = 3, .tv_nsec = 0};
    if (launcher) nanosleep(&longest, nullptr);
    return true;
  }
  if (what_ == "exit")
    syscall(SYS_exit_group, 0);
  else if (what_ == "throw")
    throw std::runtime_error("an exception that nobody expected");
  else
    misspelt(what_);
  return true;
}

Fault& fault() {
  static auto* const only = new Fault;
  return *only;
}

namespace {

[[gnu::constructor]] void say_who() {
  leave_file("rank-" + own_rank() + ".pid", std::to_string(getpid()) + "\n");
}

}  // namespace
}  // namespace ncf::faults
