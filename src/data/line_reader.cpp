#include "ncf/data/line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ncf/util/error.hpp"

namespace ncf {
namespace {

constexpr std::size_t read_bytes = 1 << 18;
constexpr std::size_t longest_line = 1 << 20;
constexpr uint64_t block_bytes = 1 << 16;  // of decompressed text, dealt out in turn

}  // namespace

LineReader::LineReader(const std::string& path, Slice slice, uint64_t begin)
    : path_(path),
      input_(path),
      slice_(slice),
      end_(std::numeric_limits<uint64_t>::max()),
      buffer_(read_bytes),
      buffer_place_(begin) {
  if (input_.compressed()) {
    std::vector<char> head(begin);
    input_.read(head);
    return;
  }
  const auto length = static_cast<int64_t>(std::max(input_.file_size(), begin) - begin);
  const uint64_t first = begin + static_cast<uint64_t>(slice.first(length));
  end_ = begin + static_cast<uint64_t>(slice.last(length));
  buffer_place_ = first;
  if (first == end_) return;
  if (first > begin) --buffer_place_;
  input_.seek(buffer_place_);
  std::string_view rest;  // the line that byte first - 1 is part of belongs to the slice before
  if (first > begin) next_of_all(rest);
}

bool LineReader::mine(uint64_t place) const {
  if (!input_.compressed()) return true;
  return place / block_bytes % static_cast<uint64_t>(slice_.world) == static_cast<uint64_t>(slice_.rank);
}

bool LineReader::next(std::string_view& line) {
  while (buffer_place_ + at_ < end_ && next_of_all(line))
    if (mine(place_)) return true;
  return false;
}

bool LineReader::next_of_all(std::string_view& line) {
  std::size_t searched = at_;
  const char* newline = nullptr;
  while (!(newline =
               static_cast<const char*>(std::memchr(buffer_.data() + searched, '\n', filled_ - searched)))) {
    const std::size_t unread = filled_ - at_;
    if (unread > longest_line)
      throw Error(ErrorKind::data, path_ + ": a line is longer than 1 MiB; is this a text file?");
    if (!refill()) break;
    searched = unread;
  }
  if (at_ == filled_) return false;
  const std::size_t end = newline ? static_cast<std::size_t>(newline - buffer_.data()) : filled_;
  place_ = buffer_place_ + at_;
  line = {buffer_.data() + at_, end - at_};
  if (line.ends_with('\r')) line.remove_suffix(1);
  at_ = newline ? end + 1 : end;
  return true;
}

/// Moves the unread text to the front and reads on behind it. False at the end of the text.
bool LineReader::refill() {
  std::memmove(buffer_.data(), buffer_.data() + at_, filled_ - at_);
  buffer_place_ += at_;
  filled_ -= at_;
  at_ = 0;
  if (buffer_.size() - filled_ < read_bytes) buffer_.resize(filled_ + read_bytes);
  const std::size_t count = input_.read({buffer_.data() + filled_, buffer_.size() - filled_});
  filled_ += count;
  return count > 0;
}

int64_t line_number_at(const std::string& path, uint64_t place) {
  TextInput input(path);
  std::vector<char> buffer(read_bytes);
  int64_t number = 1;
  while (place > 0) {
    const std::size_t count = input.read({buffer.data(), std::min<std::size_t>(buffer.size(), place)});
    if (count == 0) break;
    number += std::count(buffer.data(), buffer.data() + count, '\n');
    place -= count;
  }
  return number;
}

}  // namespace ncf
