#include "ncf/ingest/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "ingest/whole_dataset.hpp"
#include "ncf/data/ids.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/random.hpp"
#include "support/shared_directory.hpp"

using namespace ncf;
using namespace ncf::testing;
using ::testing::HasSubstr;

namespace {

using Rows = std::vector<Row>;

class LoadTest : public ::testing::Test {
 protected:
  DataConfig at(const std::string& path) {
    DataConfig config;
    config.path = path;
    return config;
  }
  Dataset load(const DataConfig& config) { return load_dataset(config, 42, comm_); }
  Rows rows(const DataConfig& config) { return whole(load(config), comm_); }
  Rows rows(const std::string& path) { return rows(at(path)); }
  Rows given(const std::string& path, const std::string& valid_path = {}) {
    DataConfig config = at(path);
    config.split = SplitKind::given;
    config.valid_path = valid_path;
    return rows(config);
  }
  /// The error of every rank, which must be the same and agreed upon. The folder's name is left out.
  std::string error(const DataConfig& config) {
    std::string message = "nothing";
    try {
      load(config);
    } catch (const Error& e) {
      message = std::to_string(e.exit_code()) + ": " + e.what();
      EXPECT_TRUE(e.agreed());
    }
    for (const std::string& other : comm_.all_gather(message)) EXPECT_EQ(other, message);
    for (std::size_t p; (p = message.find(folder_.path() + "/")) != std::string::npos;)
      message.erase(p, folder_.path().size() + 1);
    return message;
  }
  std::string error_of(const std::string& text, const std::string& name = "u.data") {
    return error(at(folder_.file(name, text)));
  }

  Communicator comm_ = Communicator::world();
  SharedDirectory folder_{comm_};
};

const Rows three{{"1", "20", 3, 100}, {"1", "100", 4, 101}, {"3", "7", 5, 102}};

TEST_F(LoadTest, MovieLens100k) {
  folder_.file("u.data", "3\t7\t5\t102\n1\t100\t4\t101\n1\t20\t3\t100\n");
  EXPECT_EQ(rows(folder_ / "u.data"), three);
  EXPECT_EQ(rows(folder_.path()), three);
}

TEST_F(LoadTest, MovieLensDat) {
  folder_.file("ratings.dat", "3::7::5::102\n1::100::4::101\n1::20::3::100\n");
  EXPECT_EQ(rows(folder_.path()), three);
  Rows without_time = three;
  for (Row& r : without_time) r.time = 0;
  folder_.file("no-time", "3::7::5\n1::100::4\n1::20::3\n");
  EXPECT_EQ(rows(folder_ / "no-time"), without_time);
  EXPECT_TRUE(load(at(folder_ / "no-time")).part.times.empty());
}

TEST_F(LoadTest, MovieLensCsv) {
  folder_.file("ratings.csv",
               "userId,movieId,rating,timestamp\r\n3,7,5.0,102\r\n1,100,4.0,101\r\n1,20,3.0,100\r\n");
  EXPECT_EQ(rows(folder_.path()), three);
}

TEST_F(LoadTest, CsvInAnyOrderOfColumns) {
  DataConfig config = at(folder_.file("r", "at;film;stars;who\n102;7;5;3\n101;100;4;1\n100;20;3;1\n"));
  config.csv.user = "who";
  config.csv.item = "film";
  config.csv.rating = "3";
  config.csv.time = "at";
  EXPECT_EQ(rows(config), three);
}

TEST_F(LoadTest, HeNcf) {
  folder_.file("ml-1m.train.rating", "0\t32\t4\t978824330\n1\t34\t4\t978824330\n");
  folder_.file("ml-1m.test.rating", "0\t25\t5\t978824351\n1\t133\t3\t978300174\n");
  const Rows expected{{"0", "25", 5, 978824351, true},
                      {"0", "32", 4, 978824330},
                      {"1", "34", 4, 978824330},
                      {"1", "133", 3, 978300174, true}};
  EXPECT_EQ(given(folder_ / "ml-1m"), expected);
  EXPECT_EQ(given(folder_.path()), expected);
}

TEST_F(LoadTest, CompressedFiles) {
  for (const std::string ending : {".gz", ".xz"}) {
    folder_.file("u.data" + ending, "3\t7\t5\t102\n1\t100\t4\t101\n1\t20\t3\t100\n");
    EXPECT_EQ(rows(folder_ / ("u.data" + ending)), three);
  }
}

TEST_F(LoadTest, ToleratesByteOrderMarkLineEndsAndBlankLines) {
  const char* text =
      "\xEF\xBB\xBF"
      "3\t7\t5\t102\r\n\r\n1\t100\t4\t101\n\n   \n1\t20\t3\t100";
  for (const std::string ending : {"", ".gz"}) {
    EXPECT_EQ(rows(folder_.file("u.data" + ending, text)), three);
    EXPECT_EQ(rows(folder_.file("u.data" + ending, std::string(text) + "\r\n\r\n\n")), three);
  }
}

TEST_F(LoadTest, GivenSplitOfTwoFiles) {
  folder_.file("u1.base", "1\t20\t3\t100\n1\t100\t4\t101\n");
  folder_.file("u1.test", "3\t7\t5\t102\n");
  Rows expected = three;
  expected[2].valid = true;
  EXPECT_EQ(given(folder_ / "u1.base"), expected);
  EXPECT_EQ(rows(folder_ / "u1.base").size(), 2U) << "without the given split, one file is one data set";
}

TEST_F(LoadTest, GivenSplitOutOfAWhole) {
  folder_.file("u.data", "3\t7\t5\t102\n1\t100\t4\t101\n1\t20\t3\t100\n");
  folder_.file("u1.test", "1\t100\t4\t101\n");
  Rows expected = three;
  expected[1].valid = true;
  EXPECT_EQ(given(folder_.path(), folder_ / "u1.test"), expected);
}

TEST_F(LoadTest, IdsAreKeptAsWritten) {
  const Rows mixed = rows(folder_.file("t.csv", "007,b,1\n7,a,2\n7,B,3\n\"x, y\",a,4\n"));
  const Rows expected{{"007", "b", 1}, {"7", "B", 3}, {"7", "a", 2}, {"x, y", "a", 4}};
  EXPECT_EQ(mixed, expected);
  const Dataset dataset = load(at(folder_.file("n.csv", "10,1,1\n9,-1,2\n")));
  EXPECT_TRUE(dataset.users.integers());
  EXPECT_EQ(dataset.users.text(0), "9");
  EXPECT_EQ(dataset.items.text(0), "-1");
}

TEST_F(LoadTest, RepeatedPairs) {
  const std::string text = "1,1,1\n2,2,5\n1,1,4\n1,2,3\n1,1,2\n2,2,5\n";
  DataConfig config = at(folder_.file("r.csv", text));
  const auto first_value = [&](Duplicates d) {
    config.duplicates = d;
    const Dataset dataset = load(config);
    EXPECT_EQ(dataset.repeated_pairs, 3);
    EXPECT_EQ(dataset.total_rows, 3);
    return whole(dataset, comm_)[0].value;
  };
  EXPECT_EQ(first_value(Duplicates::last), 2);
  EXPECT_EQ(first_value(Duplicates::first), 1);
  EXPECT_EQ(first_value(Duplicates::mean), 7.0F / 3);
  config.duplicates = Duplicates::error;
  EXPECT_EQ(error(config),
            "3: r.csv:3: repeats user \"1\", item \"1\" of line 1; data.duplicates: last, first or mean "
            "would merge them");
  config.path = folder_.file("r.csv.gz", text);
  EXPECT_THAT(error(config), HasSubstr("r.csv.gz:3: repeats user \"1\", item \"1\" of line 1"));
}

TEST_F(LoadTest, MalformedLinesAreErrorsWithTheirPlace) {
  EXPECT_EQ(error_of("1\t2\t3\t4\n1\t2\n"),
            "3: u.data:2: \"1\\t2\": 2 columns, expected 4 separated by tabs");
  EXPECT_EQ(error_of("1\t2\tbad\t4\n"),
            "3: u.data:1: \"1\\t2\\tbad\\t4\": the rating (column 3) is \"bad\", expected a finite number");
  EXPECT_THAT(error_of("1\t2\tnan\t4\n"), HasSubstr("expected a finite number"));
  EXPECT_THAT(error_of("1\t2\tinf\t4\n"), HasSubstr("expected a finite number"));
  EXPECT_THAT(error_of("1\t2\t3\t4\n\n1 2 3 4"), HasSubstr("3: u.data:3: \"1 2 3 4\": 1 column, expected 4"));
  EXPECT_THAT(error_of("1::2::3\n1::2::3::4\n", "ratings.dat"),
              HasSubstr("3: ratings.dat:2: \"1::2::3::4\": 4 columns"));
  EXPECT_THAT(error_of("u,i,r\r\n1,2,3\r\n,2,3\r\n", "r.csv"),
              HasSubstr("3: r.csv:3: \",2,3\": the user (column 1) is empty"));
}

/// However many lines are bad and whichever ranks meet them, the first is reported.
TEST_F(LoadTest, TheFirstBadLineIsReported) {
  std::string text;
  for (int i = 1; i <= 40000; ++i)
    text += i % 10000 == 7777 ? "1\t2\tx\t4\n" : "1\t" + std::to_string(i) + "\t3\t4\n";
  for (const std::string name : {"u.data", "u.data.gz"})
    EXPECT_THAT(error_of(text, name), HasSubstr("3: " + name + ":7777: \"1\\t2\\tx\\t4\": the rating"));
}

TEST_F(LoadTest, ErrorsInTheValidationFileNameIt) {
  folder_.file("u1.base", "1\t20\t3\t100\n");
  DataConfig config = at(folder_ / "u1.base");
  config.split = SplitKind::given;
  folder_.file("u1.test", "1\t2\t3\n");
  EXPECT_EQ(error(config), "3: u1.test:1: \"1\\t2\\t3\": 3 columns, expected 4 separated by tabs");
  folder_.file("u1.test", "");
  EXPECT_EQ(error(config), "3: u1.test: holds no ratings, it is empty or blank");
  folder_.file("a.dat", "1::2::3::4\n");
  config.path = folder_ / "a.dat";
  config.valid_path = folder_.file("b.dat", "1::2::3\n");
  EXPECT_EQ(error(config), "3: b.dat: has no times, but a.dat has some");
}

TEST_F(LoadTest, NothingToRead) {
  EXPECT_EQ(error_of(""), "3: u.data: holds no ratings, it is empty or blank");
  EXPECT_EQ(error_of("\n\r\n"), "3: u.data: holds no ratings, it is empty or blank");
  EXPECT_EQ(error_of("userId,movieId,rating\n", "r.csv"), "3: r.csv: holds no ratings, only a header");
  EXPECT_THAT(error(at(folder_ / "absent")), HasSubstr("3: absent: no such file or folder"));
  std::string cut(1000, '\0');
  if (comm_.is_root()) {
    write_text(folder_ / "t.gz", std::string(100000, '1'));
    write_bytes(folder_ / "u.data.gz", "\x1f\x8b" + cut);
  }
  comm_.barrier();
  EXPECT_THAT(error(at(folder_ / "u.data.gz")),
              HasSubstr("3: u.data.gz: the gzip data is damaged or cut short"));
}

/// More ranks than rows, users, or anything.
TEST_F(LoadTest, OneRow) {
  const Rows one{{"a", "b", 1}};
  for (const std::string ending : {"", ".xz"}) EXPECT_EQ(rows(folder_.file("r.csv" + ending, "a,b,1")), one);
}

/// Random ratings in every text format, with repeated pairs and string ids, against a map made in the
/// plainest way.
TEST_F(LoadTest, EveryFormatGivesTheSameAtAnyNumberOfRanks) {
  struct Raw {
    std::string user, item;
    int64_t rating, time;
  };
  std::vector<Raw> raw;
  const auto below = [](uint64_t bound, uint64_t a, uint64_t b) {
    return static_cast<int64_t>(random_below(bound, 1, Purpose::synthetic, a, b));
  };
  for (uint64_t i = 0; i < 20000; ++i)
    raw.push_back({std::to_string(below(300, 0, i) * below(300, 1, i) % 977), std::to_string(below(40, 2, i)),
                   1 + below(5, 3, i), 1000 + below(100, 4, i)});
  std::map<std::pair<int64_t, int64_t>, Row> last;
  for (const Raw& r : raw)
    last[{std::stoll(r.user), std::stoll(r.item)}] = {r.user, r.item, static_cast<float>(r.rating), r.time};
  Rows expected;
  for (const auto& [key, row] : last) expected.push_back(row);

  const auto text = [&](const std::string& separator, const std::string& header, const std::string& prefix) {
    std::string out = header;
    for (const Raw& r : raw)
      out += prefix + r.user + separator + prefix + r.item + separator + std::to_string(r.rating) +
             separator + std::to_string(r.time) + "\n";
    return out;
  };
  for (const std::string ending : {"", ".gz", ".xz"}) {
    EXPECT_EQ(rows(folder_.file("u.data" + ending, text("\t", "", ""))), expected);
    EXPECT_EQ(rows(folder_.file("r.dat" + ending, text("::", "", ""))), expected);
    EXPECT_EQ(rows(folder_.file("r.csv" + ending, text(",", "userId,movieId,rating,timestamp\n", ""))),
              expected);
  }
  const Dataset dataset = load(at(folder_ / "u.data"));
  EXPECT_EQ(dataset.repeated_pairs, 20000 - std::ssize(expected));
  const auto most = comm_.max(dataset.part.rows());
  EXPECT_LE(most, 2 * dataset.total_rows / comm_.size() + 40) << "ratings are shared out evenly";

  // The same with string ids: other order, same pairs.
  DataConfig config = at(folder_.file("s.csv", text(",", "", "id ")));
  config.csv.time = "4";
  Rows strings;
  for (Row row : expected) {
    row.user = "id " + row.user;
    row.item = "id " + row.item;
    strings.push_back(row);
  }
  std::sort(strings.begin(), strings.end(),
            [](const Row& a, const Row& b) { return std::tie(a.user, a.item) < std::tie(b.user, b.item); });
  EXPECT_EQ(rows(config), strings);
}

/// Only the last lines have ids that are not integers: all ranks must take all ids as text.
TEST_F(LoadTest, OneTextIdAmongIntegersMakesAllTexts) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i % 50) + "," + std::to_string(i) + ",1\n";
  const Dataset dataset = load(at(folder_.file("r.csv", text + "x9,0005,1\n")));
  EXPECT_FALSE(dataset.users.integers());
  EXPECT_FALSE(dataset.items.integers());
  EXPECT_EQ(dataset.users.size(), 51);
  EXPECT_EQ(dataset.items.find("0005"), 0 + dataset.items.find("0") + 1);
  EXPECT_EQ(whole(dataset, comm_).size(), 2001U);
}

TEST_F(LoadTest, SyntheticWithoutAPath) {
  DataConfig config;
  config.synthetic.users = 50;
  config.synthetic.items = 40;
  config.synthetic.ratings = 700;
  const Dataset dataset = load(config);
  EXPECT_EQ(whole(dataset, comm_).size(), 700U);
  EXPECT_EQ(dataset.source, "synthetic");
  config.synthetic.ratings = 2001;
  EXPECT_THAT(error(config), HasSubstr("2: data.synthetic: 2001 ratings"));
}

}  // namespace
