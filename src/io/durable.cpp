#include "ncf/io/durable.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace ncf {
namespace fs = std::filesystem;
namespace {

/// An open file descriptor. Closing is checked by those who write.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, ErrorKind kind, const char* verb)
      : path_(path), kind_(kind) {
    do fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0) throw_system_error(kind, verb, path, errno);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  void sync() {
    if (::fsync(fd_) != 0) throw_system_error(kind_, "flush to disk", path_, errno);
  }
  void close() {
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0 && errno != EINTR) throw_system_error(kind_, "write", path_, errno);
  }

 private:
  std::string path_;
  ErrorKind kind_;
  int fd_ = -1;
};

std::string parent_of(const std::string& path) {
  const auto parent = fs::path(path).lexically_normal().parent_path();
  return parent.empty() ? "." : parent.string();
}

bool is_directory(const std::string& path) {
  struct stat s {};
  return ::lstat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

void rename_once(const std::string& from, const std::string& to, ErrorKind kind) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_system_error(kind, "rename " + from + " to", to, errno);
}

}  // namespace

void throw_system_error(ErrorKind kind, const std::string& verb, const std::string& path, int error) {
  throw Error(kind, "cannot " + verb + " " + path + ": " + std::generic_category().message(error));
}

std::string partial_path(const std::string& path) {
  return path + ".partial";
}

void sync_path(const std::string& path, ErrorKind kind) {
  Descriptor file(path, O_RDONLY, kind, "flush to disk");
  file.sync();
}

void write_file(const std::string& path, const std::string& text, ErrorKind kind) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC, kind, "write");
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw_system_error(kind, "write", path, n == 0 ? ENOSPC : errno);
    done += static_cast<std::size_t>(n);
  }
  file.sync();
  file.close();
}

std::string read_file(const std::string& path, ErrorKind kind) {
  Descriptor file(path, O_RDONLY, kind, "read");
  std::string text;
  char block[1 << 16];
  while (true) {
    const ssize_t n = ::read(file.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_system_error(kind, "read", path, errno);
    if (n == 0) return text;
    text.append(block, static_cast<std::size_t>(n));
  }
}

void make_directories(const std::string& path, ErrorKind kind) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw_system_error(kind, "make directory", path, error.value());
  if (!fs::is_directory(path)) throw_system_error(kind, "make directory", path, EEXIST);
}

void make_empty_directory(const std::string& path, ErrorKind kind) {
  remove_all(path, kind);
  if (::mkdir(path.c_str(), 0777) != 0) throw_system_error(kind, "make directory", path, errno);
}

void remove_all(const std::string& path, ErrorKind kind) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw_system_error(kind, "remove", path, error.value());
}

void replace(const std::string& from, const std::string& to, ErrorKind kind) {
  if (is_directory(to)) {
    // rename() refuses a directory that is not empty: exchange the two names, then remove what was there
    // before.
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
      sync_path(parent_of(to), kind);
      remove_all(from, kind);
      return;
    }
    if (errno != EINVAL && errno != ENOSYS) throw_system_error(kind, "rename " + from + " to", to, errno);
    const std::string aside = to + ".replaced";
    remove_all(aside, kind);
    rename_once(to, aside, kind);
    rename_once(from, to, kind);
    sync_path(parent_of(to), kind);
    remove_all(aside, kind);
    return;
  }
  rename_once(from, to, kind);
  sync_path(parent_of(to), kind);
}

void replace_link(const std::string& target, const std::string& link, ErrorKind kind) {
  const std::string fresh = link + ".partial";
  remove_all(fresh, kind);
  if (::symlink(target.c_str(), fresh.c_str()) != 0) throw_system_error(kind, "make link", fresh, errno);
  rename_once(fresh, link, kind);
  sync_path(parent_of(link), kind);
}

}  // namespace ncf
