#include "ncf/data/ratings_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ncf/util/error.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

using namespace ncf;
using namespace ncf::testing;
using ::testing::HasSubstr;

namespace {

constexpr const char* tab_line = "1\t2\t3\t4\n";

class RatingsSourceTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text = tab_line) {
    write_text(folder_ / name, text);
    return folder_ / name;
  }
  DataConfig at(const std::string& path, SplitKind split = SplitKind::random) {
    DataConfig config;
    config.path = path;
    config.split = split;
    return config;
  }
  RatingsSource found(const std::string& path) { return find_ratings(at(path)); }
  std::string error(const DataConfig& config) {
    return thrown_by<Error>([&] { find_ratings(config); });
  }
  TemporaryDirectory folder_;
};

TEST_F(RatingsSourceTest, KnowsAFileByItsName) {
  EXPECT_EQ(found(file("u.data")).format, DataFormat::movielens_100k);
  EXPECT_EQ(found(file("u1.base")).format, DataFormat::movielens_100k);
  EXPECT_EQ(found(file("ua.test.gz")).format, DataFormat::movielens_100k);
  file("x.test.rating");
  EXPECT_EQ(find_ratings(at(file("x.train.rating.xz"), SplitKind::given)).format, DataFormat::he_ncf);
}

TEST_F(RatingsSourceTest, KnowsAFileByItsFirstLine) {
  EXPECT_EQ(found(file("a", "1::2::3\n")).format, DataFormat::movielens_dat);
  EXPECT_EQ(found(file("b.xz", "1::2::3::4\n")).format, DataFormat::movielens_dat);
  EXPECT_EQ(found(file("c", "userId,movieId,rating,timestamp\n")).format, DataFormat::movielens_csv);
  EXPECT_EQ(found(file("d", "user,item,rating\n")).format, DataFormat::csv);
  EXPECT_EQ(found(file("e", tab_line)).format, DataFormat::csv);
  EXPECT_EQ(found(file("f", "\x89HDF\r\n\x1a\n....")).format, DataFormat::hdf5);
}

TEST_F(RatingsSourceTest, DescribedColumnsMeanCsv) {
  DataConfig config = at(file("u.data"));
  config.csv.time = "4";
  EXPECT_EQ(find_ratings(config).format, DataFormat::csv);
  config.path = file("h", "\x89HDF\r\n\x1a\n....");
  EXPECT_THAT(error(config), HasSubstr("2: data.csv describes columns, but " + config.path + " is hdf5"));
  config.path = folder_.path();
  EXPECT_THAT(error(config),
              HasSubstr("2: data.csv describes columns, but " + (folder_ / "u.data") + " is movielens-100k"));
}

TEST_F(RatingsSourceTest, KnowsFolders) {
  const std::string path = folder_.path();
  EXPECT_EQ(found(file("u.data")).side_folder, path);
  EXPECT_EQ(found(path).ratings, path + "/u.data");
  std::filesystem::remove(folder_ / "u.data");
  file("u.data.xz");
  EXPECT_EQ(found(path).ratings, path + "/u.data.xz");
  EXPECT_EQ(found(path).format, DataFormat::movielens_100k);
}

TEST_F(RatingsSourceTest, KnowsAFolderOfMovieLensDat) {
  const std::string path = folder_.path();
  file("ratings-notime.dat.xz", "1::2::3\n");
  file("movies.dat", "");
  EXPECT_EQ(found(path).ratings, path + "/ratings-notime.dat.xz");
  EXPECT_EQ(found(path).format, DataFormat::movielens_dat);
  file("ratings-other.dat", "1::2::3\n");
  EXPECT_EQ(error(at(path)), "3: " + path +
                                 ": holds several ratings files (ratings-notime.dat, ratings-other.dat); "
                                 "give the file itself as data.path");
  file("ratings.dat.gz", "1::2::3\n");
  EXPECT_EQ(found(path).ratings, path + "/ratings.dat.gz");
}

TEST_F(RatingsSourceTest, TellsCsvFoldersByTheirHeader) {
  file("ratings.csv.gz", "userId,movieId,rating\n1,2,3\n");
  EXPECT_EQ(found(folder_.path()).format, DataFormat::movielens_csv);
  std::filesystem::remove(folder_ / "ratings.csv.gz");
  file("ratings.csv", "user,item,rating\n1,2,3\n");
  EXPECT_EQ(found(folder_.path()).format, DataFormat::csv);
  EXPECT_EQ(found(folder_.path()).side_folder, "");
}

TEST_F(RatingsSourceTest, AFolderWithoutRatingsSaysWhatWasLookedFor) {
  file("readme.txt");
  EXPECT_EQ(
      error(at(folder_.path())),
      "3: " + folder_.path() +
          ": no ratings in this folder; looked for u.data (movielens-100k), ratings.dat or one ratings*.dat "
          "(movielens-dat), ratings.csv (movielens-csv), ratings.csv (csv), one *.train.rating (he-ncf), "
          "each "
          "also with .gz or .xz. A file of any name can be given as data.path");
  DataConfig one = at(folder_.path());
  one.format = DataFormat::movielens_100k;
  EXPECT_THAT(error(one), HasSubstr("looked for u.data (movielens-100k), each"));
  one.format = DataFormat::hdf5;
  EXPECT_THAT(error(one), HasSubstr("data.format: hdf5 needs the data set's file"));
}

TEST_F(RatingsSourceTest, AFolderWithTwoFormatsAsks) {
  file("u.data");
  file("ratings.csv", "userId,movieId,rating\n");
  EXPECT_THAT(error(at(folder_.path())),
              HasSubstr("several formats (movielens-100k, movielens-csv); data.format says"));
  DataConfig one = at(folder_.path());
  one.format = DataFormat::movielens_csv;
  EXPECT_EQ(find_ratings(one).ratings, folder_ / "ratings.csv");
}

TEST_F(RatingsSourceTest, NoSuchPath) {
  EXPECT_EQ(error(at(folder_ / "absent")), "3: " + (folder_ / "absent") + ": no such file or folder (nor " +
                                               (folder_ / "absent") + ".train.rating)");
}

TEST_F(RatingsSourceTest, GivenTakesTheTestFileBeside) {
  file("u1.base");
  file("u1.test.gz");
  EXPECT_EQ(find_ratings(at(folder_ / "u1.base", SplitKind::given)).valid, folder_ / "u1.test.gz");
  EXPECT_EQ(found(folder_ / "u1.base").valid, "") << "only when the split is given";
  file("u2.base");
  EXPECT_THAT(error(at(folder_ / "u2.base", SplitKind::given)), HasSubstr("3: "));
  EXPECT_THAT(error(at(folder_ / "u2.base", SplitKind::given)), HasSubstr("no validation part beside it"));
}

TEST_F(RatingsSourceTest, GivenTakesTheNamedFile) {
  file("u.data");
  DataConfig config = at(folder_.path(), SplitKind::given);
  EXPECT_THAT(error(config), HasSubstr("2: data.split: given needs data.valid_path"));
  config.valid_path = folder_ / "held-out";
  EXPECT_EQ(error(config), "3: data.valid_path: " + (folder_ / "held-out") + ": no such file");
  file("held-out");
  EXPECT_EQ(find_ratings(config).valid, folder_ / "held-out");
  config.split = SplitKind::random;
  EXPECT_THAT(error(config), HasSubstr("2: data.valid_path is set, but data.split is not given"));
}

TEST_F(RatingsSourceTest, HeNcfIsAPrefixAFileOrAFolder) {
  file("ml-1m.train.rating");
  file("ml-1m.test.rating");
  for (const std::string& path : {folder_ / "ml-1m", folder_ / "ml-1m.train.rating", folder_.path()}) {
    const RatingsSource source = find_ratings(at(path, SplitKind::given));
    EXPECT_EQ(source.format, DataFormat::he_ncf) << path;
    EXPECT_EQ(source.ratings, folder_ / "ml-1m.train.rating");
    EXPECT_EQ(source.valid, folder_ / "ml-1m.test.rating");
  }
  EXPECT_THAT(error(at(folder_ / "ml-1m")), HasSubstr("2: "));
  EXPECT_THAT(error(at(folder_ / "ml-1m")), HasSubstr("brings its own split; write data.split: given"));
  file("pinterest-20.train.rating");
  EXPECT_THAT(
      error(at(folder_.path(), SplitKind::given)),
      HasSubstr("(ml-1m.train.rating, pinterest-20.train.rating); give data.path up to .train.rating"));
}

TEST_F(RatingsSourceTest, Hdf5BringsItsOwnSplit) {
  DataConfig config = at(file("set.h5", "\x89HDF\r\n\x1a\n...."), SplitKind::given);
  EXPECT_EQ(find_ratings(config).valid, "");
  config.valid_path = folder_ / "x";
  EXPECT_THAT(error(config), HasSubstr("2: data.valid_path: an HDF5 data set holds its own split"));
}

}  // namespace
