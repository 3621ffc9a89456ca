#pragma once
/// The lines of a text file that belong to one slice. Every line belongs to exactly one: of a plain file each
/// slice reads a range of bytes; of a compressed one every slice decompresses all, and keeps the lines that
/// begin in its blocks, dealt out in turn.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ncf/data/slice.hpp"
#include "ncf/io/text_input.hpp"

namespace ncf {

class LineReader {
 public:
  /// `begin`: byte of the (decompressed) text where the first line begins.
  LineReader(const std::string& path, Slice slice, uint64_t begin = 0);

  /// The next line of the slice without its end ("\n" or "\r\n"; the last line may have none). False after
  /// the last. The line lives until the next call. Error{data} for a line longer than 1 MiB: not a text file.
  bool next(std::string_view& line);
  /// Where the last line begins: its byte in the text. Grows from line to line; the same for every number of
  /// slices.
  uint64_t place() const { return place_; }

 private:
  bool next_of_all(std::string_view& line);
  bool refill();
  bool mine(uint64_t place) const;

  std::string path_;
  TextInput input_;
  Slice slice_;
  uint64_t end_;  // no line that begins here or later is ours
  uint64_t place_ = 0;
  std::vector<char> buffer_;
  std::size_t at_ = 0;  // unread text is [at_, filled_)
  std::size_t filled_ = 0;
  uint64_t buffer_place_;  // byte of the text that buffer_[0] holds
};

/// The number (from 1) of the line that begins at this byte; reads the text up to there.
int64_t line_number_at(const std::string& path, uint64_t place);

}  // namespace ncf
