#include "ncf/data/line_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ncf/util/error.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

using namespace ncf;
using namespace ncf::testing;

namespace {

using Lines = std::vector<std::pair<uint64_t, std::string>>;  // by place

Lines lines_of(const std::string& path, Slice slice, uint64_t begin = 0) {
  LineReader reader(path, slice, begin);
  Lines lines;
  for (std::string_view line; reader.next(line);) lines.emplace_back(reader.place(), line);
  return lines;
}

/// The lines of all slices in order of their places; a line that two slices have would be there twice.
Lines lines_of_all(const std::string& path, int64_t world, uint64_t begin) {
  Lines lines;
  for (int64_t rank = 0; rank < world; ++rank)
    for (auto& line : lines_of(path, {rank, world}, begin)) lines.push_back(std::move(line));
  std::sort(lines.begin(), lines.end());
  return lines;
}

Lines expected_lines(const std::string& text, uint64_t begin) {
  Lines lines;
  for (std::size_t at = begin; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    lines.emplace_back(at, line);
    at = end + 1;
  }
  return lines;
}

TEST(LineReader, GivesEveryLineToExactlyOneSlice) {
  const TemporaryDirectory folder;
  const std::vector<std::string> texts{"",
                                       "\n",
                                       "a",
                                       "a\n",
                                       "a\nb",
                                       "a\r\nb\r\n",
                                       "\n\n\n",
                                       "a\n\nb\n",
                                       "longer than the rest of the file\nx\ny\nz",
                                       "x\nlonger than the rest of the file, and without an end"};
  for (std::size_t t = 0; t < texts.size(); ++t) {
    for (const std::string ending : {"", ".gz", ".xz"}) {
      const std::string path = folder / ("t" + std::to_string(t) + ending);
      write_text(path, texts[t]);
      for (const int64_t world : {1, 2, 3, 5, 8, 64})
        EXPECT_EQ(lines_of_all(path, world, 0), expected_lines(texts[t], 0)) << path << " of " << world;
    }
  }
}

TEST(LineReader, GivesEveryLineToExactlyOneSliceOfALongFile) {
  const TemporaryDirectory folder;
  std::string text = "\xEF\xBB\xBFheader\n";
  const uint64_t begin = text.size();
  for (uint64_t i = 0; i < 60000; ++i) text += std::string(i * i % 41, 'x') + std::to_string(i) + "\n";
  ASSERT_GT(text.size(), std::size_t{1} << 20);  // several buffers, many blocks
  for (const std::string name : {"t", "t.gz"}) {
    write_text(folder / name, text);
    for (const int64_t world : {1, 3, 8}) {
      EXPECT_EQ(lines_of_all(folder / name, world, begin), expected_lines(text, begin));
      for (int64_t rank = 0; rank < world; ++rank)  // shared evenly
        EXPECT_NEAR(static_cast<double>(lines_of(folder / name, {rank, world}).size()),
                    60000.0 / static_cast<double>(world), 6000);
    }
  }
}

TEST(LineReader, RefusesWhatIsNoText) {
  const TemporaryDirectory folder;
  write_bytes(folder / "binary", std::string(3 << 20, 'x'));
  EXPECT_THAT(thrown_by<Error>([&] { lines_of(folder / "binary", {}); }),
              ::testing::HasSubstr("longer than 1 MiB"));
  write_bytes(folder / "long", std::string(900000, 'x') + "\nshort\n");
  EXPECT_EQ(lines_of(folder / "long", {}).size(), 2U);
}

TEST(LineNumberAt, CountsFromOne) {
  const TemporaryDirectory folder;
  for (const std::string name : {"t", "t.gz"}) {
    write_text(folder / name, "ab\n\ncd\r\nef");
    EXPECT_EQ(line_number_at(folder / name, 0), 1);
    EXPECT_EQ(line_number_at(folder / name, 3), 2);
    EXPECT_EQ(line_number_at(folder / name, 4), 3);
    EXPECT_EQ(line_number_at(folder / name, 8), 4);
  }
}

}  // namespace
