#include "ncf/io/text_input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ncf/util/error.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

using namespace ncf;
using namespace ncf::testing;
using ::testing::HasSubstr;

namespace {

std::string long_text() {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

TEST(TextInput, ReadsPlainGzipAndXzAlike) {
  const TemporaryDirectory folder;
  const std::string text = long_text();
  for (const char* name : {"t.txt", "t.txt.gz", "t.txt.xz"}) {
    write_text(folder / name, text);
    EXPECT_EQ(read_text(folder / name), text) << name;
    EXPECT_EQ(TextInput(folder / name).compressed(), std::string(name) != "t.txt");
  }
}

TEST(TextInput, TellsCompressionByContentNotByName) {
  const TemporaryDirectory folder;
  write_text(folder / "t.gz", "a\nb\n");
  std::filesystem::rename(folder / "t.gz", folder / "t.txt");
  EXPECT_EQ(read_text(folder / "t.txt"), "a\nb\n");
  write_bytes(folder / "plain.gz", "not compressed\n");
  EXPECT_EQ(read_text(folder / "plain.gz"), "not compressed\n");
}

TEST(TextInput, ReadsSeveralCompressedParts) {  // cat a.gz b.gz
  const TemporaryDirectory folder;
  for (const std::string ending : {".gz", ".xz"}) {
    write_text(folder / ("a" + ending), "one\n");
    write_text(folder / ("b" + ending), "two\n");
    std::ofstream both(folder / ("c" + ending), std::ios::binary);
    for (const std::string part : {"a", "b"})
      both << std::ifstream(folder / (part + ending), std::ios::binary).rdbuf();
    both.close();
    EXPECT_EQ(read_text(folder / ("c" + ending)), "one\ntwo\n") << ending;
  }
}

TEST(TextInput, ReadsEmptyAndShortFiles) {
  const TemporaryDirectory folder;
  write_bytes(folder / "empty", "");
  write_bytes(folder / "short", "x");
  write_text(folder / "empty.gz", "");
  EXPECT_EQ(read_text(folder / "empty"), "");
  EXPECT_EQ(read_text(folder / "short"), "x");
  EXPECT_EQ(read_text(folder / "empty.gz"), "");
  EXPECT_EQ(TextInput(folder / "short").file_size(), 1U);
}

TEST(TextInput, ContinuesWhereItIsSent) {
  const TemporaryDirectory folder;
  write_bytes(folder / "t", "0123456789");
  TextInput input(folder / "t");
  std::string three(3, ' ');
  input.seek(6);
  EXPECT_EQ(input.read(three), 3U);
  EXPECT_EQ(three, "678");
  EXPECT_EQ(input.read(three), 1U);
  EXPECT_EQ(input.read(three), 0U);
}

TEST(TextInput, NamesWhatCannotBeOpened) {
  const TemporaryDirectory folder;
  EXPECT_EQ(thrown_by<Error>([&] { TextInput(folder / "absent"); }),
            "3: " + (folder / "absent") + ": cannot be opened: No such file or directory");
  EXPECT_THAT(thrown_by<Error>([&] { TextInput(folder.path()); }), HasSubstr("is not a regular file"));
}

/// At every length a compressed file can be cut to: an error, never a shorter text.
TEST(TextInput, FailsOnCutAndDamagedCompressedFiles) {
  const TemporaryDirectory folder;
  for (const std::string name : {"t.gz", "t.xz"}) {
    write_text(folder / name, long_text());
    std::ifstream in(folder / name, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t keep = 6; keep < whole.size(); keep += 1 + whole.size() / 97) {
      write_bytes(folder / "cut", whole.substr(0, keep));
      EXPECT_THAT(thrown_by<Error>([&] { read_text(folder / "cut"); }), HasSubstr("damaged or cut short"))
          << keep;
    }
    std::string flipped = whole;
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x10);
    write_bytes(folder / "flipped", flipped);
    EXPECT_THAT(thrown_by<Error>([&] { read_text(folder / "flipped"); }), HasSubstr("damaged or cut short"))
        << name;
  }
}

}  // namespace
