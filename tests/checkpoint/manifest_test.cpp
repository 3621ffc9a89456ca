#include "ncf/checkpoint/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "ncf/io/digest.hpp"
#include "ncf/io/durable.hpp"
#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

Manifest example() {
  return {.progress = {.step = 1250, .epoch = 4, .step_in_epoch = 17},
          .seed = ~0ULL,
          .ranks = 2,
          .program_version = "0.1.0 \"quoted\"",
          .moments = {"momentum", ""},
          .extra = {{"a", 0.1}, {"b", -std::numeric_limits<double>::infinity()}, {"c", 1e-300}},
          .extra_text = {{"data", "0a\n\"1b\""}},
          .tables = {{"user", 944, 74, true}, {"item", 1635, 101, false}},
          .files = {{"shard-0000-of-0002.h5", 0, "99aa06d3014798d86001c324468d497f"},
                    {"shard-0001-of-0002.h5", 1, "0123456789abcdef0123456789abcdef"},
                    {"model.h5", 3, "06b05ab6733a618578af5f94892f3950"}}};
}

template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::checkpoint);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

/// The manifest with this text below its first line, and the digest that fits it.
std::string with_lines(const std::string& below) {
  return "{\"xxh3_128_of_the_lines_below\": \"" + digest_of(below) + "\",\n" + below;
}

TEST(ManifestText, ComesBack) {
  EXPECT_EQ(parse_manifest(manifest_text(example()), "m"), example());
}

TEST(ManifestText, EveryFlippedBitAndEveryCutIsNoticed) {
  const std::string text = manifest_text(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    // The name of the digest in the first line may change, since nothing depends on it; all else may not.
    if (const auto line = text.find('"' + digest_of(text.substr(text.find('\n') + 1))); i < line) continue;
    EXPECT_THROW(parse_manifest(damaged, "m"), Error) << "byte " << i << " of " << text;
    EXPECT_THROW(parse_manifest(text.substr(0, i), "m"), Error) << "first " << i << " bytes";
  }
}

TEST(ManifestText, LaterVersionsAndOtherFormatsSayWhatTheyAre) {
  const std::string text = manifest_text(example());
  std::string below = text.substr(text.find('\n') + 1);
  const auto at = below.find("\"format_version\": 1");
  ASSERT_NE(at, std::string::npos);
  std::string later = below;
  later.replace(at, 19, "\"format_version\": 7");
  EXPECT_EQ(error_of([&] { parse_manifest(with_lines(later), "d/manifest.json"); }),
            "d/manifest.json: has format version 7; this program reads versions up to 1");
  EXPECT_THAT(error_of([&] { parse_manifest(with_lines("\"format\": \"tea\"}\n"), "m"); }),
              HasSubstr("not the manifest"));
  EXPECT_THAT(error_of([&] { parse_manifest(with_lines("\"x\": }\n"), "m"); }), HasSubstr("m: "));
  EXPECT_THAT(error_of([&] {
                parse_manifest(with_lines("\"format\": \"ncf_dist checkpoint\", \"format_version\": 1}\n"),
                               "m");
              }),
              HasSubstr("step"));
  EXPECT_THAT(error_of([&] { parse_manifest("", "m"); }), HasSubstr("cut short"));
}

TEST(Manifest, SizesAndDigestsAreChecked) {
  testing::TemporaryDirectory dir;
  write_file(dir / "shard-0000-of-0002.h5", "", ErrorKind::data);
  write_file(dir / "shard-0001-of-0002.h5", "x", ErrorKind::data);
  write_file(dir / "model.h5", "abc", ErrorKind::data);
  Manifest manifest = example();
  check_sizes(dir.path(), manifest);
  EXPECT_EQ(manifest.bytes(), 4);
  check_digest(dir.path(), manifest.files[0]);
  check_digest(dir.path(), manifest.files[2]);
  EXPECT_THAT(error_of([&] { check_digest(dir.path(), manifest.files[1]); }),
              HasSubstr("is damaged: its digest is"));
  write_file(dir / "model.h5", "abcd", ErrorKind::data);
  EXPECT_EQ(error_of([&] { check_sizes(dir.path(), manifest); }),
            (dir / "model.h5") + ": has 4 bytes, expected 3");
  EXPECT_THAT(error_of([&] { check_digest(dir.path(), manifest.files[2]); }), HasSubstr("has 4 bytes"));
  fs::remove(dir / "model.h5");
  EXPECT_THAT(error_of([&] { check_sizes(dir.path(), manifest); }), HasSubstr("model.h5: No such file"));
  write_file(dir / "model.h5", "abc", ErrorKind::data);
  manifest.files.erase(manifest.files.begin());
  EXPECT_THAT(error_of([&] { check_sizes(dir.path(), manifest); }),
              HasSubstr("does not name shard-0000-of-0002.h5"));
  EXPECT_THAT(error_of([&] { read_manifest(dir.path()); }), HasSubstr("manifest.json: No such file"));
}

}  // namespace
}  // namespace ncf
