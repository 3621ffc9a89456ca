#pragma once
/// Digests against accidents (not against forgery): XXH3 with 128 bits, https://github.com/Cyan4973/xxHash.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ncf/util/error.hpp"

namespace ncf {

/// 32 hexadecimal digits, what `xxhsum -H128` prints.
std::string digest_of(std::string_view bytes);

struct FileDigest {
  int64_t bytes = 0;
  std::string digest;
};
/// Size and digest of a file's contents, read in blocks. Throws Error{kind} when it cannot be read.
FileDigest digest_file(const std::string& path, ErrorKind kind);

/// XXH3 with 64 bits over values put together piece by piece.
class Hash64 {
 public:
  Hash64();
  ~Hash64();
  Hash64(const Hash64&) = delete;
  Hash64& operator=(const Hash64&) = delete;

  template <class T>
  void add(std::span<const T> values) {
    add_bytes(values.data(), values.size_bytes());
  }
  /// The hash of all that was added; starts anew.
  uint64_t take();

 private:
  void add_bytes(const void* data, std::size_t bytes);
  void* state_;
};

}  // namespace ncf
