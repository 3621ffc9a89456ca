#include "ncf/io/durable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;

template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Durable, SmallFilesRoundTrip) {
  testing::TemporaryDirectory dir;
  const std::string text("a\0b\n", 4);
  write_file(dir / "a", text, kind);
  EXPECT_EQ(read_file(dir / "a", kind), text);
  write_file(dir / "a", "", kind);
  EXPECT_EQ(read_file(dir / "a", kind), "");
  EXPECT_EQ(error_of([&] { read_file(dir / "b", kind); }),
            "cannot read " + (dir / "b") + ": No such file or directory");
  EXPECT_EQ(error_of([&] { write_file(dir / "x/y", "", kind); }),
            "cannot write " + (dir / "x/y") + ": No such file or directory");
}

TEST(Durable, ReplaceMovesFilesOverFilesAndDirectoriesOverDirectories) {
  testing::TemporaryDirectory dir;
  write_file(dir / "new", "new", kind);
  replace(dir / "new", dir / "name", kind);
  write_file(dir / "new", "newer", kind);
  replace(dir / "new", dir / "name", kind);
  EXPECT_EQ(read_file(dir / "name", kind), "newer");
  EXPECT_FALSE(fs::exists(dir / "new"));

  for (const auto* text : {"first", "second"}) {
    make_empty_directory(dir / "d.partial", kind);
    write_file(dir / "d.partial/f", text, kind);
    replace(dir / "d.partial", dir / "d", kind);
    EXPECT_EQ(read_file(dir / "d/f", kind), text);
    EXPECT_FALSE(fs::exists(dir / "d.partial"));
  }
  EXPECT_THAT(error_of([&] { replace(dir / "nothing", dir / "d", kind); }),
              ::testing::HasSubstr("No such file"));
  EXPECT_EQ(read_file(dir / "d/f", kind), "second");
}

TEST(Durable, LinksAreReplaced) {
  testing::TemporaryDirectory dir;
  replace_link("one", dir / "latest", kind);
  replace_link("two", dir / "latest", kind);
  EXPECT_EQ(fs::read_symlink(dir / "latest"), "two");
  EXPECT_FALSE(fs::is_symlink(dir / "latest.partial"));
  make_directories(dir / "taken/below", kind);
  EXPECT_THAT(error_of([&] { replace_link("one", dir / "taken", kind); }), ::testing::HasSubstr("taken"));
}

TEST(Durable, DirectoriesAreMadeEmptied) {
  testing::TemporaryDirectory dir;
  make_directories(dir / "a/b/c", kind);
  make_directories(dir / "a/b/c", kind);
  write_file(dir / "a/b/c/file", "", kind);
  make_empty_directory(dir / "a/b", kind);
  EXPECT_TRUE(fs::is_empty(dir / "a/b"));
  remove_all(dir / "a", kind);
  remove_all(dir / "a", kind);
  EXPECT_FALSE(fs::exists(dir / "a"));
  write_file(dir / "file", "", kind);
  EXPECT_THAT(error_of([&] { make_directories(dir / "file", kind); }),
              ::testing::HasSubstr("file: Not a directory"));
  EXPECT_THAT(error_of([&] { make_directories(dir / "file/below", kind); }),
              ::testing::HasSubstr("Not a directory"));
}

TEST(Durable, AFullDiskIsAnError) {
  testing::TemporaryDirectory dir;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{1000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message = error_of([&] { write_file(dir / "a", std::string(2000, 'x'), kind); });
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(message, "cannot write " + (dir / "a") + ": File too large");
}

}  // namespace
}  // namespace ncf
