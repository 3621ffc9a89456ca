#pragma once
/// A text file as a stream of bytes. What is compressed with gzip or xz (told by its first bytes, not by its
/// name) is decompressed on the way; only a file that is not can be read from the middle.
///
/// Errors: Error{data} naming the path and the system's reason when a file cannot be opened or read, and when
/// compressed data is cut short or damaged.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace ncf {

class TextInput {
 public:
  explicit TextInput(const std::string& path);
  ~TextInput();
  TextInput(TextInput&&) noexcept;
  TextInput& operator=(TextInput&&) noexcept;

  bool compressed() const;
  /// Bytes of the file on disk: the length of the text when not compressed.
  uint64_t file_size() const;
  /// Continues at this byte of the text. Only when not compressed.
  void seek(uint64_t offset);
  /// Fills `to` as far as the text goes; less than asked for only at its end, 0 after it.
  std::size_t read(std::span<char> to);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The whole text of a (small) file.
std::string read_text(const std::string& path);

}  // namespace ncf
