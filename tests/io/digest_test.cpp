#include "ncf/io/digest.hpp"

#include <gtest/gtest.h>

#include "ncf/io/durable.hpp"
#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

TEST(Digest, IsXxh3AsOthersComputeIt) {
  // Known values of XXH3_128bits, seed 0 (xxhsum -H2 prints them).
  EXPECT_EQ(digest_of("abc"), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Digest, OfAFileIsThatOfItsBytes) {
  testing::TemporaryDirectory dir;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, (std::size_t{1} << 20), (std::size_t{1} << 20) + 1}) {
    std::string text(size, 'x');
    if (size > 0) text.back() = 'y';
    write_file(dir / "a", text, ErrorKind::data);
    const auto found = digest_file(dir / "a", ErrorKind::data);
    EXPECT_EQ(found.bytes, static_cast<int64_t>(size));
    EXPECT_EQ(found.digest, digest_of(text));
  }
  EXPECT_THROW(digest_file(dir / "b", ErrorKind::data), Error);
  EXPECT_THROW(digest_file(dir.path(), ErrorKind::data), Error);
}

TEST(Digest, HashOfPiecesIsHashOfTheWhole) {
  const std::vector<int64_t> values = {1, -2, 3};
  Hash64 hash;
  hash.add(std::span<const int64_t>(values));
  const auto whole = hash.take();
  hash.add(std::span<const int64_t>(values).first(1));
  hash.add(std::span<const int64_t>());
  hash.add(std::span<const int64_t>(values).last(2));
  EXPECT_EQ(hash.take(), whole);
  EXPECT_NE(hash.take(), whole);
}

}  // namespace
}  // namespace ncf
