#include "ncf/io/digest.hpp"

#include <fcntl.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <vector>

#include "ncf/io/durable.hpp"

namespace ncf {
namespace {

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using State = std::unique_ptr<XXH3_state_t, FreeState>;

State make_state() {
  State state(XXH3_createState());
  if (!state) throw std::bad_alloc();
  return state;
}

std::string hexadecimal(XXH128_hash_t hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace

std::string digest_of(std::string_view bytes) {
  return hexadecimal(XXH3_128bits(bytes.data(), bytes.size()));
}

FileDigest digest_file(const std::string& path, ErrorKind kind) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_system_error(kind, "read", path, errno);
  const auto state = make_state();
  XXH3_128bits_reset(state.get());
  std::vector<char> block(std::size_t{1} << 20);
  FileDigest out;
  while (true) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = errno;
      ::close(fd);
      if (n < 0) throw_system_error(kind, "read", path, error);
      break;
    }
    XXH3_128bits_update(state.get(), block.data(), static_cast<std::size_t>(n));
    out.bytes += n;
  }
  out.digest = hexadecimal(XXH3_128bits_digest(state.get()));
  return out;
}

Hash64::Hash64() : state_(make_state().release()) {
  XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_));
}

Hash64::~Hash64() {
  XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

void Hash64::add_bytes(const void* data, std::size_t bytes) {
  if (bytes != 0) XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), data, bytes);
}

uint64_t Hash64::take() {
  auto* state = static_cast<XXH3_state_t*>(state_);
  const uint64_t hash = XXH3_64bits_digest(state);
  XXH3_64bits_reset(state);
  return hash;
}

}  // namespace ncf
