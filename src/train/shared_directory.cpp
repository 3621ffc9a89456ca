#include "ncf/train/shared_directory.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "ncf/comm/agreement.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

/// Network file systems may show a new file late.
constexpr double patience_s = 5;

/// A file that is gone when this is.
class PassingFile {
 public:
  PassingFile(std::string path, const std::string& text) : path_(std::move(path)) {
    write_file(path_, text, ErrorKind::usage);
  }
  ~PassingFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  PassingFile(const PassingFile&) = delete;
  PassingFile& operator=(const PassingFile&) = delete;

 private:
  std::string path_;
};

bool appears(const std::string& path) {
  std::error_code ignored;
  for (const double until = now_s() + patience_s; !fs::exists(path, ignored);) {
    if (now_s() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return true;
}

}  // namespace

void check_shared_directory(Communicator& comm, const std::string& directory) {
  // A name that no host has looked for before: what is known to be absent, it may not look for again.
  const std::string token = comm.broadcast(host_name() + "-" + std::to_string(getpid()) + "-" + utc_now(), 0);
  const std::string name = directory + "/.seen-" + token;
  const std::string root = comm.broadcast(host_name(), 0);
  std::unique_ptr<PassingFile> mark;
  const auto naming_the_key = [&](const std::function<void()>& work) {
    agree(comm, [&] {
      try {
        work();
      } catch (const Error& e) {
        throw Error(e.kind(), "run.dir on " + host_name() + ": " + e.what());
      }
    });
  };
  naming_the_key([&] {
    if (comm.is_root()) mark = std::make_unique<PassingFile>(name, token);
  });
  naming_the_key([&] {
    if (comm.node_rank() != 0) return;
    if (!appears(name))
      throw Error(ErrorKind::usage, directory + " is not the directory of that name on " + root +
                                        "; it has to be on a file system that all hosts share");
    const PassingFile own(name + "-" + std::to_string(comm.rank()), token);
  });
}

}  // namespace ncf
