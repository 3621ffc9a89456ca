#include "ncf/io/text_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/iostreams/concepts.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "ncf/util/error.hpp"

namespace ncf {
namespace {

namespace streams = boost::iostreams;

constexpr std::streamsize buffer_bytes = 1 << 18;
constexpr std::string_view gzip_magic{"\x1f\x8b", 2};
constexpr std::string_view xz_magic{"\xFD\x37zXZ\0", 6};

std::string reason() {
  return std::generic_category().message(errno);
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw Error(ErrorKind::data, path + ": cannot be opened: " + reason());
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  uint64_t size() const {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail();
    if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::data, path_ + ": is not a regular file");
    return static_cast<uint64_t>(status.st_size);
  }
  void seek(uint64_t offset) const {
    if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) fail();
  }
  std::size_t read(char* to, std::size_t count) const {
    std::size_t done = 0;
    while (done < count) {
      const ssize_t n = ::read(fd_, to + done, count - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail();
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  [[noreturn]] void fail() const { throw Error(ErrorKind::data, path_ + ": cannot be read: " + reason()); }

  std::string path_;
  int fd_;
};

/// The compressed bytes, as Boost.Iostreams wants them.
struct CompressedBytes : streams::source {
  const Descriptor* file;
  explicit CompressedBytes(const Descriptor* f) : file(f) {}
  std::streamsize read(char* to, std::streamsize count) const {
    const auto n = static_cast<std::streamsize>(file->read(to, static_cast<std::size_t>(count)));
    return n > 0 ? n : -1;
  }
};

}  // namespace

struct TextInput::Impl {
  explicit Impl(const std::string& p) : path(p), file(p), size(file.size()) {
    std::array<char, 6> head{};
    const std::string_view start(head.data(), file.read(head.data(), head.size()));
    file.seek(0);
    if (start.starts_with(gzip_magic)) {
      kind = "gzip";
      text.push(streams::gzip_decompressor(streams::zlib::default_window_bits, buffer_bytes));
    } else if (start == xz_magic) {
      kind = "xz";
      text.push(streams::lzma_decompressor(buffer_bytes));
    }
    if (kind) text.push(CompressedBytes(&file), buffer_bytes);
  }

  std::size_t read(std::span<char> to) {
    if (!kind) return file.read(to.data(), to.size());
    try {
      return static_cast<std::size_t>(text.sgetn(to.data(), static_cast<std::streamsize>(to.size())));
    } catch (const std::ios_base::failure&) {
      throw Error(ErrorKind::data, path + ": the " + kind + " data is damaged or cut short (`" +
                                       (kind[0] == 'g' ? "gzip" : "xz") + " -t` tests a file)");
    }
  }

  std::string path;
  Descriptor file;
  uint64_t size;
  const char* kind = nullptr;  // the compression; none: plain text
  streams::filtering_streambuf<streams::input> text;
};

TextInput::TextInput(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
TextInput::~TextInput() = default;
TextInput::TextInput(TextInput&&) noexcept = default;
TextInput& TextInput::operator=(TextInput&&) noexcept = default;

bool TextInput::compressed() const {
  return impl_->kind != nullptr;
}

uint64_t TextInput::file_size() const {
  return impl_->size;
}

void TextInput::seek(uint64_t offset) {
  if (compressed()) throw Error(ErrorKind::internal, impl_->path + ": seek in a compressed file");
  impl_->file.seek(offset);
}

std::size_t TextInput::read(std::span<char> to) {
  return impl_->read(to);
}

std::string read_text(const std::string& path) {
  TextInput input(path);
  std::string text;
  std::size_t used = 0;
  do {
    text.resize(used + (1 << 16));
    used += input.read({text.data() + used, text.size() - used});
  } while (used == text.size());
  text.resize(used);
  return text;
}

}  // namespace ncf
