#include "ncf/ingest/prepare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "ncf/data/dataset_file.hpp"
#include "ncf/data/side_table.hpp"
#include "ncf/data/synthetic.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/io/digest.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// The ratings of all ranks, on every rank. Collective.
struct Whole {
  explicit Whole(const Dataset& dataset, Communicator& comm) {
    const auto gather = [&]<class T>(const std::vector<T>& mine) {
      return comm.all_gather_v(std::span<const T>(mine)).values;
    };
    std::vector<int64_t> counts;
    for (std::size_t u = 0; u + 1 < dataset.part.offsets.size(); ++u)
      counts.push_back(dataset.part.offsets[u + 1] - dataset.part.offsets[u]);
    users = gather(counts);
    items = gather(dataset.part.items);
    values = gather(dataset.part.values);
    times = gather(dataset.part.times);
    valid = gather(dataset.part.valid);
  }
  bool operator==(const Whole&) const = default;
  std::vector<int64_t> users, times;
  std::vector<int32_t> items;
  std::vector<float> values;
  std::vector<uint8_t> valid;
};

class Prepare : public ::testing::Test {
 protected:
  /// What prepare prints on the root.
  std::string prepared(const Config& config, const std::string& output) {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(prepare(config, output, comm_), 0);
    return ::testing::internal::GetCapturedStdout();
  }
  std::string error_of(const Config& config, const std::string& output, ErrorKind kind) {
    try {
      prepare(config, output, comm_);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), kind) << e.what();
      EXPECT_TRUE(e.agreed());
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }
  Dataset load(const std::string& path) {
    DataConfig config;
    config.path = path;
    return load_dataset(config, 42, comm_);
  }
  Config small() {
    Config config;
    config.data.path =
        dir_.file("ratings.csv", "user,item,rating,time\nu2,7,3.5,30\nu1,8,1,20\nu1,7,5,10\nu2,7,4,40\n");
    config.data.csv.user = "user";
    config.data.csv.item = "item";
    config.data.csv.rating = "rating";
    config.data.csv.time = "time";
    return config;
  }

  Communicator comm_ = Communicator::world();
  testing::SharedDirectory dir_{comm_};
};

TEST_F(Prepare, ASmallFileWithMoreRanksThanUsers) {
  const std::string said = prepared(small(), dir_ / "a.h5");
  if (comm_.is_root()) {
    EXPECT_THAT(said, HasSubstr("a.h5: 2 users, 2 items, 3 ratings with times\nmerged 1 repeated pairs"));
    EXPECT_THAT(said, HasSubstr("mpirun -n 8 ncf_dist --data.path " + (dir_ / "a.h5") + "\n"));
  } else {
    EXPECT_EQ(said, "");
  }
  const Dataset found = load(dir_ / "a.h5");
  EXPECT_EQ(std::get<1>(found.users.ids), (std::vector<std::string>{"u1", "u2"}));
  EXPECT_EQ(std::get<0>(found.items.ids), (std::vector<int64_t>{7, 8}));
  const Whole whole(found, comm_);
  EXPECT_EQ(whole.users, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(whole.items, (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(whole.values, (std::vector<float>{5, 1, 4}));
  EXPECT_EQ(whole.times, (std::vector<int64_t>{10, 20, 40}));
  EXPECT_EQ(found.repeated_pairs, 0);
}

TEST_F(Prepare, SyntheticRatingsComeBackAndTheFileIsTheSameWhateverTheRanks) {
  Config config;
  config.data.synthetic = {.users = 50, .items = 40, .ratings = 900};
  prepared(config, dir_ / "s.h5");
  EXPECT_EQ(Whole(load(dir_ / "s.h5"), comm_), Whole(load_dataset(config.data, 42, comm_), comm_));
  if (!comm_.is_root()) return;
  const Dataset alone = synthetic_dataset(config.data.synthetic, 42, {0, 1});  // what one rank would write
  begin_dataset_file(dir_ / "alone.h5", alone, {.times = true, .valid = false}, {});
  add_ratings(dir_ / "alone.h5", alone.part);
  finish_dataset_file(dir_ / "alone.h5");
  EXPECT_EQ(digest_file(dir_ / "s.h5", ErrorKind::data).digest,
            digest_file(dir_ / "alone.h5", ErrorKind::data).digest);
}

TEST_F(Prepare, AGivenSplitIsKept) {
  Config config = small();
  config.data.split = SplitKind::given;
  config.data.valid_path = dir_.file("valid.csv", "user,item,rating,time\nu1,9,2,5\n");
  const std::string said = prepared(config, dir_ / "v.h5");
  if (comm_.is_root()) {
    EXPECT_THAT(said, HasSubstr("--data.split given"));
  }
  DataConfig again;
  again.path = dir_ / "v.h5";
  again.split = SplitKind::given;
  EXPECT_EQ(Whole(load_dataset(again, 1, comm_), comm_).valid, (std::vector<uint8_t>{0, 0, 1, 0}));
}

TEST_F(Prepare, APreparedSetCanBePreparedOntoItself) {
  prepared(small(), dir_ / "a.h5");
  const auto digest = read_dataset_info(dir_ / "a.h5").digest;
  comm_.barrier();
  Config config;
  config.data.path = dir_ / "a.h5";
  prepared(config, dir_ / "a.h5");
  EXPECT_EQ(read_dataset_info(dir_ / "a.h5").digest, digest);
}

TEST_F(Prepare, MovieLensComesBackWithTitles) {
  Config config;
  config.data.path = testing::real_data("ml-100k");
  if (config.data.path.empty()) GTEST_SKIP() << "no ml-100k: $NCF_DATA or ../shared/data has none";
  prepared(config, dir_ / "ml.h5");
  const Dataset text = load_dataset(config.data, 42, comm_);
  const Dataset file = load(dir_ / "ml.h5");
  EXPECT_EQ(file.total_rows, 100000);
  EXPECT_EQ(Whole(file, comm_), Whole(text, comm_));
  EXPECT_EQ(file.part.first_row, text.part.first_row);
  EXPECT_EQ(file.part.first_user, text.part.first_user) << "the same ranges of users from both formats";
  DataConfig prepared_config;
  prepared_config.path = dir_ / "ml.h5";
  const SideTables side = load_side_tables(prepared_config, file);
  const auto title = std::ranges::find(side.items.attributes, "title", &Attribute::name);
  ASSERT_NE(title, side.items.attributes.end());
  EXPECT_EQ(std::get<Attribute::Text>(title->values)[0], "Toy Story (1995)");
}

TEST_F(Prepare, PlacesThatCannotBeFilesAreRefusedBeforeReading) {
  Config config;
  config.data.path = "/no/such/data";
  EXPECT_THAT(error_of(config, dir_.path(), ErrorKind::usage), HasSubstr("is a directory"));
  EXPECT_THAT(error_of(config, dir_ / "no/such/a.h5", ErrorKind::usage), HasSubstr("there is no directory"));
  EXPECT_THAT(error_of(config, "", ErrorKind::usage), HasSubstr("must name a file"));
  EXPECT_THAT(error_of(config, dir_ / "a.h5", ErrorKind::data), HasSubstr("/no/such/data"));
}

TEST_F(Prepare, AFullDiskOnAnyRankLeavesTheOldFileIntact) {
  std::signal(SIGXFSZ, SIG_IGN);
  Config config;
  config.data.synthetic = {.users = 500, .items = 400, .ratings = 20000};
  prepared(small(), dir_ / "a.h5");
  const auto digest = read_dataset_info(dir_ / "a.h5").digest;
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  for (int victim = 0; victim < comm_.size(); ++victim) {
    const rlimit little{10000, old.rlim_max};
    if (comm_.rank() == victim) setrlimit(RLIMIT_FSIZE, &little);
    const std::string message = error_of(config, dir_ / "a.h5", ErrorKind::data);
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_THAT(message, HasSubstr("a.h5.partial: File too large"));
    comm_.barrier();
    EXPECT_EQ(read_dataset_info(dir_ / "a.h5").digest, digest);
    EXPECT_FALSE(fs::exists(dir_ / "a.h5.partial"));
    comm_.barrier();  // the next try makes it
  }
}

}  // namespace
}  // namespace ncf
