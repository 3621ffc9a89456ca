#include "ncf/io/hdf5.hpp"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include "support/temporary_directory.hpp"

namespace ncf {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// The message of the Error{data} that `action` throws.
template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::data);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

int64_t open_files() {
  int64_t n = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++n;
  closedir(directory);
  return n;
}

std::vector<float> counting(int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

class Hdf5 : public ::testing::Test {
 protected:
  Hdf5File create(const std::string& name = "a.h5") { return Hdf5File::create(dir_ / name, ErrorKind::data); }
  Hdf5File open(const std::string& name = "a.h5") { return Hdf5File::open(dir_ / name, ErrorKind::data); }
  testing::TemporaryDirectory dir_;
};

TEST_F(Hdf5, EveryTypeComesBackInItsBits) {
  auto file = create();
  file.write<float>("/x/y/floats", {1.5F, -0.0F, std::numeric_limits<float>::denorm_min()});
  file.write<double>("doubles", {1e300});
  file.write<int64_t>("int64", {std::numeric_limits<int64_t>::min(), 7});
  file.write<uint64_t>("uint64", {std::numeric_limits<uint64_t>::max()});
  file.write<int32_t>("int32", {-1});
  file.write<uint8_t>("uint8", {255});
  file.write<float>("/x/empty", {});
  file.close();

  const auto back = open();
  const auto floats = back.read<float>("/x/y/floats");
  ASSERT_EQ(floats.size(), 3U);
  EXPECT_TRUE(std::signbit(floats[1]));
  EXPECT_EQ(floats[2], std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(back.read<double>("doubles"), std::vector<double>{1e300});
  EXPECT_EQ(back.read<int64_t>("/int64"), (std::vector<int64_t>{std::numeric_limits<int64_t>::min(), 7}));
  EXPECT_EQ(back.read<uint64_t>("uint64"), std::vector<uint64_t>{std::numeric_limits<uint64_t>::max()});
  EXPECT_EQ(back.read<int32_t>("int32"), std::vector<int32_t>{-1});
  EXPECT_EQ(back.read<uint8_t>("uint8"), std::vector<uint8_t>{255});
  EXPECT_TRUE(back.read<float>("/x/empty").empty());
  EXPECT_EQ(back.names_in("/"),
            (std::vector<std::string>{"doubles", "int32", "int64", "uint64", "uint8", "x"}));
  EXPECT_TRUE(back.has("/x/y/floats"));
  EXPECT_TRUE(back.has("/x/y"));
  EXPECT_FALSE(back.has("/nowhere/y/floats"));
}

TEST_F(Hdf5, RowsThatLieApartInFileAndMemory) {
  auto file = create();
  const auto values = counting(7 * 4);  // a matrix [7 × 4]; its first three columns, and the last by itself
  const ConstMatrixView whole(values.data(), 7, 4);
  file.write_matrix<float>("weight", whole.cols_from(0, 3));
  file.write_matrix<float>("bias", whole.cols_from(3, 1), true);
  file.close();

  const auto back = open();
  EXPECT_EQ(back.shape("weight"), (Shape{7, 3}));
  EXPECT_EQ(back.shape("bias"), (Shape{7}));
  std::vector<float> out(6 * 4, -1.0F);  // rows 1, 3, 5 into every second row
  MatrixView spread(out.data(), 3, 4, 8);
  back.read_rows<float>("weight", 1, 2, spread.cols_from(0, 3));
  back.read_rows<float>("bias", 1, 2, spread.cols_from(3, 1));
  for (int64_t r = 0; r < 3; ++r)
    for (int64_t c = 0; c < 4; ++c) {
      EXPECT_EQ(spread(r, c), whole(1 + 2 * r, c));
      EXPECT_EQ(out[static_cast<std::size_t>(r * 8 + 4 + c)], -1.0F) << "a row in between was touched";
    }
  EXPECT_EQ(back.read_part<float>("bias", 2, 2), (std::vector<float>{11, 15}));
  EXPECT_TRUE(back.read_part<float>("bias", 7, 0).empty());
}

TEST_F(Hdf5, PartsWrittenByOneAfterAnother) {
  auto file = create();
  file.make<int32_t>("ratings/item", {5});
  file.close();
  for (const int64_t first : {3, 0}) {
    auto part = Hdf5File::update(dir_ / "a.h5", ErrorKind::data);
    part.write_part<int32_t>("ratings/item", first,
                             first == 0 ? std::vector<int32_t>{1, 2, 3} : std::vector<int32_t>{4, 5});
    part.write_part<int32_t>("ratings/item", 5, {});
    part.close();
  }
  EXPECT_EQ(open().read<int32_t>("ratings/item"), (std::vector<int32_t>{1, 2, 3, 4, 5}));
}

TEST_F(Hdf5, TextKeepsItsBytes) {
  const std::vector<std::string> texts = {"", "Amélie (2001)", "日本", "  two spaces "};
  auto file = create();
  file.write_strings("titles", texts);
  file.write_strings("none", {});
  file.set_attribute("text", std::string("über"));
  file.set_attribute("empty", std::string());
  file.set_attribute<uint64_t>("seed", 1ULL << 63);
  file.set_attribute<double>("best", 0.1);
  file.close();
  const auto back = open();
  EXPECT_EQ(back.read_strings("titles"), texts);
  EXPECT_TRUE(back.read_strings("none").empty());
  EXPECT_TRUE(back.holds_strings("titles"));
  EXPECT_EQ(back.text_attribute("text"), "über");
  EXPECT_EQ(back.text_attribute("empty"), "");
  EXPECT_EQ(back.attribute<uint64_t>("seed"), 1ULL << 63);
  EXPECT_EQ(back.attribute<double>("best"), 0.1);
  EXPECT_FALSE(back.has_attribute("none"));
}

TEST_F(Hdf5, ManyLongTexts) {
  std::vector<std::string> texts;  // more than one block of writing and reading
  for (int i = 0; i < 3000; ++i) texts.push_back(std::to_string(i) + std::string(i % 2 == 0 ? 5000 : 1, 'x'));
  auto file = create();
  file.write_strings("texts", texts);
  file.close();
  EXPECT_EQ(open().read_strings("texts"), texts);
}

TEST_F(Hdf5, VirtualDatasetJoinsFilesAndShowsHoles) {
  fs::create_directory(dir_ / "joined");
  for (int64_t r = 0; r < 3; ++r) {
    auto part = create("joined/part" + std::to_string(r) + ".h5");
    const std::vector<float> rows = {static_cast<float>(r), 0.5F, static_cast<float>(r + 3), 0.5F};
    part.write<float>("w", std::span(rows).first(r < 2 ? 4 : 2), {r < 2 ? 2 : 1, 2});  // 5 rows in all
    part.close();
  }
  auto file = create("joined/all.h5");
  std::vector<VirtualPart> parts;
  for (int64_t r = 0; r < 3; ++r)
    parts.push_back({"part" + std::to_string(r) + ".h5", "w", r, 3, r < 2 ? 2 : 1});
  file.write_virtual<float>("w", {5, 2}, parts, std::numeric_limits<float>::quiet_NaN());
  file.write_virtual<int64_t>("nothing", {0}, {}, -1);
  file.close();

  fs::rename(dir_ / "joined", dir_ / "moved");  // parts are found beside the file, wherever that is
  std::vector<float> all(10);
  open("moved/all.h5").read<float>("w", {5, 2}, all);
  EXPECT_EQ(all, (std::vector<float>{0, 0.5, 1, 0.5, 2, 0.5, 3, 0.5, 4, 0.5}));
  EXPECT_TRUE(open("moved/all.h5").read<int64_t>("nothing").empty());
  fs::remove(dir_ / "moved/part1.h5");
  open("moved/all.h5").read<float>("w", {5, 2}, all);
  EXPECT_TRUE(std::isnan(all[2]) && std::isnan(all[8]));
  EXPECT_EQ(all[4], 2);
}

TEST_F(Hdf5, VirtualDatasetsDescribeTheirRowsAndDoNotListThem) {
  auto file = create();
  file.write_virtual<float>("w", {200000}, {{"p.h5", "w", 0, 2, 100000}, {"q.h5", "w", 1, 2, 100000}}, 0.0F);
  file.close();
  EXPECT_LT(fs::file_size(dir_ / "a.h5"), 20000U);  // listed rows also take a time quadratic in them to read
}

TEST_F(Hdf5, FilesDoNotSayWhenTheyWereMade) {
  const auto begin = std::time(nullptr);
  auto file = create();
  file.write<float>("/group/inside/w", counting(10));
  file.write_virtual<float>("/other/v", {1}, {{"p.h5", "w", 0, 1, 1}}, 0.0F);
  file.write_strings("texts", {"a"});
  file.set_attribute<int64_t>("n", 1);
  file.close();
  std::ifstream in(dir_ / "a.h5", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (auto second = begin; second <= std::time(nullptr); ++second) {
    std::string stored;  // four bytes, the lowest first
    for (int shift = 0; shift < 32; shift += 8) stored += static_cast<char>(second >> shift & 255);
    EXPECT_EQ(bytes.find(stored), std::string::npos);
  }
}

TEST_F(Hdf5, ErrorsNameFileDatasetAndWhatWasExpected) {
  auto file = create();
  file.write<float>("w", {1, 2, 3});
  file.set_attribute("text", std::string("abc"));
  EXPECT_THAT(error_of([&] { file.write<float>("w", {1}); }), HasSubstr("w: cannot make it"));
  EXPECT_THAT(error_of([&] { file.write_strings("z", {std::string("a\0b", 3)}); }), HasSubstr("zero byte"));
  file.close();

  EXPECT_THAT(error_of([&] { open("missing.h5"); }), HasSubstr("No such file"));
  const auto back = open();
  EXPECT_THAT(error_of([&] { back.read<int64_t>("w"); }), HasSubstr("a.h5: w: is float32, expected int64"));
  EXPECT_THAT(error_of([&] { back.read_strings("w"); }), HasSubstr("expected text"));
  EXPECT_THAT(error_of([&] { back.read<float>("v"); }), HasSubstr("a.h5: v: cannot open it"));
  EXPECT_THAT(error_of([&] { back.read_part<float>("w", 2, 2); }), HasSubstr("has 3 rows, asked for row 3"));
  EXPECT_THAT(error_of([&] { back.read_part<float>("w", -1, 2); }), HasSubstr("asked for row"));
  std::vector<float> out(4);
  EXPECT_THAT(error_of([&] {
                back.read<float>("w", {2, 2}, out);
              }),
              HasSubstr("shape [3], expected [2 × 2]"));
  EXPECT_THAT(error_of([&] { back.attribute<int64_t>("text"); }), HasSubstr("is text, expected one int64"));
  EXPECT_THAT(error_of([&] { back.attribute<int64_t>("none"); }), HasSubstr("attribute none"));
  EXPECT_THAT(error_of([&] { Hdf5File::create(dir_ / "no/such/x.h5", ErrorKind::data); }),
              HasSubstr("No such file"));
}

TEST_F(Hdf5, CutOrOverwrittenFilesAreErrors) {
  auto file = create();
  file.write<float>("w", counting(10000));
  file.close();
  const auto whole = fs::file_size(dir_ / "a.h5");
  fs::copy(dir_ / "a.h5", dir_ / "b.h5");
  for (const auto size : {std::uintmax_t{0}, std::uintmax_t{1}, whole / 2, whole - 1}) {
    fs::resize_file(dir_ / "a.h5", size);
    EXPECT_THAT(error_of([&] { open().read<float>("w"); }), HasSubstr("a.h5")) << size;
  }
  std::fstream bytes(dir_ / "b.h5", std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(40);  // the superblock has a checksum
  bytes.put('\x5a');
  bytes.close();
  EXPECT_THAT(error_of([&] { open("b.h5").read<float>("w"); }), HasSubstr("b.h5"));
}

TEST_F(Hdf5, AFullDiskIsReportedAndLeavesNothingOpen) {
  const auto before = open_files();
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  // From "nothing fits" to "only what is flushed on closing does not fit".
  for (const rlim_t limit :
       {rlim_t{0}, rlim_t{100}, rlim_t{3000}, rlim_t{40000}, rlim_t{80000}, rlim_t{80600}}) {
    const rlimit small{limit, old.rlim_max};
    std::string message;
    setrlimit(RLIMIT_FSIZE, &small);
    try {
      auto file = create();
      file.write<float>("w", counting(10000));
      file.write<float>("v", counting(10000));
      for (int i = 0; i < 40; ++i) file.set_attribute<int64_t>("number " + std::to_string(i), i);
      file.close();
    } catch (const Error& e) {
      message = e.what();
    }
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_THAT(message, HasSubstr("cannot write " + (dir_ / "a.h5") + ": File too large")) << limit;
    EXPECT_EQ(open_files(), before);
  }
  auto file = create();  // and the library still works
  file.write<float>("w", counting(10000));
  file.close();
  EXPECT_EQ(open().read<float>("w"), counting(10000));
}

TEST_F(Hdf5, ThreadsMayHoldFilesAtTheSameTime) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::string name = std::to_string(t) + ".h5";
      for (int round = 0; round < 20; ++round) {
        auto file = create(name);
        file.write<float>("w", counting(1000 + t));
        file.close();
        EXPECT_EQ(open(name).read<float>("w"), counting(1000 + t));
        EXPECT_THAT(error_of([&] { open(name).read<float>("v" + std::to_string(t)); }),
                    HasSubstr(name + ": v"));
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(Hdf5, AFileNotClosedIsGivenUp) {
  const auto before = open_files();
  {
    auto file = create();
    file.write<float>("w", counting(10));
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("a.h5"));
}

}  // namespace
}  // namespace ncf
