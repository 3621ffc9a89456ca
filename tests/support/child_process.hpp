#pragma once
/// A program run as a child of a test: what it prints as it prints it, how it ends. Killed when the object
/// goes.

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace ncf::testing {

class ChildProcess {
 public:
  /// Starts it in a process group of its own, with standard output and standard error in one pipe.
  explicit ChildProcess(std::vector<std::string> command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    if (pid_ == 0) {
      setpgid(0, 0);
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
    output_end_ = ends[0];
  }
  ~ChildProcess() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_end_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Reads until `text` was printed; false when it did not come within `limit_s` or before the end.
  bool wait_for(const std::string& text, double limit_s) {
    const double until = now() + limit_s;
    while (output_.find(text) == std::string::npos)
      if (!read_some(until)) return output_.find(text) != std::string::npos;
    return true;
  }
  /// Its exit code, or 128 + the signal that ended it, or -1 when it is still there after `limit_s`.
  int exit_code(double limit_s) {
    const double until = now() + limit_s;
    while (read_some(until)) {
    }
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (now() > until) return -1;
      usleep(10'000);
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void send(int signal) const { kill(pid_, signal); }
  const std::string& output() const { return output_; }

 private:
  static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  /// False at the end of the output, or when it is `until`.
  bool read_some(double until) {
    const double left = until - now();
    if (left <= 0) return false;
    pollfd look{output_end_, POLLIN, 0};
    const int ready = poll(&look, 1, static_cast<int>(left * 1000) + 1);
    if (ready <= 0) return ready < 0 && errno == EINTR;
    char text[4096];
    const ssize_t n = read(output_end_, text, sizeof text);
    if (n > 0) output_.append(text, static_cast<std::size_t>(n));
    return n > 0;
  }

  pid_t pid_ = 0;
  int output_end_ = -1;
  std::string output_;
};

}  // namespace ncf::testing
