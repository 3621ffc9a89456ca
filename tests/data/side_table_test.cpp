#include "ncf/data/side_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ncf/data/ids.hpp"
#include "ncf/util/error.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

using namespace ncf;
using namespace ncf::testing;
using ::testing::HasSubstr;

namespace {

using Texts = Attribute::Text;
using Lists = Attribute::TextList;

class SideTableTest : public ::testing::Test {
 protected:
  void file(const std::string& name, const std::string& text) { write_text(folder_ / name, text); }
  SideTables load(const std::string& path) {
    DataConfig config;
    config.path = path;
    return load_side_tables(config, dataset_);
  }
  SideTables load() { return load(folder_.path()); }
  std::string error() {
    return thrown_by<Error>([&] { load(); });
  }

  TemporaryDirectory folder_;
  Dataset dataset_{.users = make_vocabulary(std::vector<int64_t>{1, 2, 5}),
                   .items = make_vocabulary(std::vector<int64_t>{1, 2, 3, 4}),
                   .total_rows = 0,
                   .part = {},
                   .repeated_pairs = 0,
                   .source = {}};
};

const Attribute& named(const SideTable& table, const std::string& name) {
  for (const Attribute& a : table.attributes)
    if (a.name == name) return a;
  throw std::runtime_error("no attribute " + name);
}
Texts text(const SideTable& table, const std::string& name) {
  return std::get<Texts>(named(table, name).values);
}
Lists list(const SideTable& table, const std::string& name) {
  return std::get<Lists>(named(table, name).values);
}
/// Numbers with -1 for "not known".
std::vector<double> number(const SideTable& table, const std::string& name) {
  std::vector<double> values = std::get<Attribute::Number>(named(table, name).values);
  for (double& v : values)
    if (std::isnan(v)) v = -1;
  return values;
}

TEST_F(SideTableTest, ReadsMovieLens100k) {
  file("u.data", "1\t1\t1\t1\n");
  file("u.user", "5|53|F|other|94043\n1|24|M|technician|85711\r\n99|1|M|none|00000\n");
  file("u.genre", "unknown|0\nAction|1\nChildren's|2\n\n");
  file("u.item",
       "1|Toy Story (1995)|01-Jan-1995||http://x|0|1|1\n"
       "2|Caf\xE9 (Fran\xE7"
       "ais) (1999)|||u|1|0|0\n"
       "3|unknown||||0|0|0\n"
       "4|Undated|04-Oct-1996||u|0|0|1");
  const SideTables tables = load();
  EXPECT_EQ(number(tables.users, "age"), (std::vector<double>{24, -1, 53}));
  EXPECT_EQ(text(tables.users, "gender"), (Texts{"M", "", "F"}));
  EXPECT_EQ(text(tables.users, "occupation"), (Texts{"technician", "", "other"}));
  EXPECT_EQ(text(tables.users, "zip"), (Texts{"85711", "", "94043"}));
  EXPECT_EQ(text(tables.items, "title"),
            (Texts{"Toy Story (1995)", "Café (Français) (1999)", "unknown", "Undated"}));
  EXPECT_EQ(list(tables.items, "genres"), (Lists{{"Action", "Children's"}, {"unknown"}, {}, {"Children's"}}));
  EXPECT_EQ(number(tables.items, "year"), (std::vector<double>{1995, 1999, -1, 1996}));
  EXPECT_EQ(text(load(folder_ / "u.data").users, "zip")[0], "85711") << "the file alone finds its folder";
}

TEST_F(SideTableTest, ReadsMovieLensDat) {
  file("ratings.dat", "1::1::1\n");
  file("users.dat", "1::F::1::10::48067\n2::M::56::16::70072\n");
  file("movies.dat",
       "1::Toy Story (1995)::Animation|Children's\n"
       "2::Le manoir :: du diable (1896)::\n"
       "3::Amélie::Short\n");
  const SideTables tables = load();
  EXPECT_EQ(number(tables.users, "age"), (std::vector<double>{1, 56, -1}));
  EXPECT_EQ(text(tables.users, "gender"), (Texts{"F", "M", ""}));
  EXPECT_EQ(text(tables.users, "occupation"), (Texts{"10", "16", ""}));
  EXPECT_EQ(text(tables.items, "title"),
            (Texts{"Toy Story (1995)", "Le manoir::du diable (1896)", "Amélie", ""}));
  EXPECT_EQ(list(tables.items, "genres"), (Lists{{"Animation", "Children's"}, {}, {"Short"}, {}}));
  EXPECT_EQ(number(tables.items, "year"), (std::vector<double>{1995, 1896, -1, -1}));
}

TEST_F(SideTableTest, ReadsMovieLensCsv) {
  file("ratings.csv", "userId,movieId,rating\n1,1,1\n");
  file("movies.csv.gz",
       "\xEF\xBB\xBFmovieId,title,genres\r\n"
       "1,\"American President, The (1995)\",Comedy|Drama\r\n"
       "2,\"He said \"\"no\"\" (1994-1998)\",(no genres listed)\r\n"
       "4,Kôkaku kidôtai (dir. cut),Anime\r\n");
  const SideTables tables = load();
  EXPECT_TRUE(tables.users.attributes.empty());
  EXPECT_EQ(text(tables.items, "title"),
            (Texts{"American President, The (1995)", "He said \"no\" (1994-1998)", "",
                   "Kôkaku kidôtai (dir. cut)"}));
  EXPECT_EQ(list(tables.items, "genres"), (Lists{{"Comedy", "Drama"}, {}, {}, {"Anime"}}));
  EXPECT_EQ(number(tables.items, "year"), (std::vector<double>{1995, 1994, -1, -1}));
}

TEST_F(SideTableTest, AreEmptyWhereThereIsNothing) {
  file("u.data", "1\t1\t1\t1\n");
  const SideTables tables = load();
  EXPECT_TRUE(tables.users.attributes.empty());
  EXPECT_TRUE(tables.items.attributes.empty());
  EXPECT_TRUE(load("").items.attributes.empty()) << "synthetic";
  file("other.csv", "u,i,r\n1,2,3\n");
  EXPECT_TRUE(load(folder_ / "other.csv").items.attributes.empty());
}

TEST_F(SideTableTest, MalformedLinesAreErrorsWithTheirPlace) {
  const std::string at = "3: " + folder_.path();
  file("u.data", "1\t1\t1\t1\n");
  file("u.user", "1|24|M|technician|85711\n2|old|M|x|1\n");
  EXPECT_EQ(error(), at + "/u.user:2: \"2|old|M|x|1\": the age is \"old\", expected a number");
  file("u.user", "1|24|M\n");
  EXPECT_EQ(error(), at + "/u.user:1: \"1|24|M\": 3 columns, expected 5");
  std::filesystem::remove(folder_ / "u.user");
  file("u.genre", "Action|0\nDrama|7\n");
  file("u.item", "1|T|||u|0\n");
  EXPECT_EQ(error(), at + "/u.genre:2: \"Drama|7\": expected a genre and its number, 1");
  file("u.genre", "Action|0\nDrama|1\n");
  EXPECT_EQ(error(), at + "/u.item:1: \"1|T|||u|0\": 6 columns, expected 7");
}

TEST_F(SideTableTest, MalformedMoviesAreErrorsWithTheirPlace) {
  const std::string at = "3: " + folder_.path();
  file("ratings.csv", "userId,movieId,rating\n1,1,1\n");
  file("movies.csv", "movieId,title,genres\n1,a,b,c\n");
  EXPECT_EQ(error(), at + "/movies.csv:2: \"1,a,b,c\": 4 columns, expected 3 (id, title, genres)");
  file("movies.csv", "1,a,b\n");
  EXPECT_EQ(error(), at + "/movies.csv:1: \"1,a,b\": expected the header movieId,title,genres");
  file("movies.csv", "movieId,title,genres\n1,\"a,b\n");
  EXPECT_THAT(error(), HasSubstr("a quote is opened and not closed"));
}

}  // namespace
