#include "ncf/ingest/samples.hpp"

#include <algorithm>

#include "ncf/data/split.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

/// Collective.
void check_split(const Dataset& dataset, const DataConfig& config, Communicator& comm) {
  const auto lacking = [&](std::size_t have) {
    return comm.max(int64_t{have != dataset.part.items.size() ? 1 : 0}) > 0;
  };
  if (config.split == SplitKind::leave_one_out && lacking(dataset.part.times.size()))
    throw Error(ErrorKind::usage,
                "data.split: leave_one_out takes each user's latest rating, but " + dataset.source +
                    " has no times; data.csv.time names their column, or data.split: random needs none",
                true);
  if (config.split == SplitKind::given && lacking(dataset.part.valid.size()))
    throw Error(ErrorKind::usage,
                "data.split: given, but " + dataset.source + " brings no split; data.split: random makes one",
                true);
}

/// For each index of the data set's users, 1 when a row of the part that trains has it. Collective.
std::vector<uint8_t> trained_users(const Dataset& dataset, const std::vector<uint8_t>& valid,
                                   Communicator& comm) {
  const RatingsPart& part = dataset.part;
  std::vector<uint8_t> mine(static_cast<std::size_t>(part.users()));
  for (std::size_t u = 0; u < mine.size(); ++u)
    for (auto i = static_cast<std::size_t>(part.offsets[u]);
         i < static_cast<std::size_t>(part.offsets[u + 1]); ++i)
      mine[u] |= valid[i] == 0;
  return comm.all_gather_v(std::span<const uint8_t>(mine)).values;  // ranges of users are in rank order
}

std::vector<uint8_t> trained_items(const Dataset& dataset, const std::vector<uint8_t>& valid,
                                   Communicator& comm) {
  std::vector<int64_t> seen(static_cast<std::size_t>(dataset.items.size()));
  for (std::size_t i = 0; i < valid.size(); ++i)
    if (!valid[i]) seen[static_cast<std::size_t>(dataset.part.items[i])] = 1;
  comm.all_reduce_max(std::span<int64_t>(seen));
  return {seen.begin(), seen.end()};
}

/// The model's numbering of one side.
struct Side {
  Vocabulary vocabulary;
  std::vector<int32_t> rows;  // by index of the data set; 0: not in the vocabulary
};

Side numbered(const Vocabulary& all, const std::vector<uint8_t>& known) {
  Side side;
  std::vector<int32_t> chosen;
  side.rows.resize(known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!known[i]) continue;
    chosen.push_back(static_cast<int32_t>(i));
    side.rows[i] = static_cast<int32_t>(chosen.size());
  }
  side.vocabulary = all.subset(chosen);
  return side;
}

}  // namespace

std::vector<uint8_t> chosen_to_validate(const Dataset& dataset, const DataConfig& config, uint64_t seed,
                                        Communicator& comm) {
  check_split(dataset, config, comm);
  return validation_rows(dataset.part, dataset.total_rows, config, seed);
}

TrainingData make_training_data(const Dataset& dataset, const DataConfig& config, uint64_t seed,
                                Communicator& comm) {
  const RatingsPart& part = dataset.part;
  const std::vector<uint8_t> valid = chosen_to_validate(dataset, config, seed, comm);
  const auto everything = [](const Vocabulary& v) {
    return std::vector<uint8_t>(static_cast<std::size_t>(v.size()), 1);
  };
  const bool all = config.vocabulary == VocabularyKind::all;
  Side users = numbered(dataset.users, all ? everything(dataset.users) : trained_users(dataset, valid, comm));
  Side items = numbered(dataset.items, all ? everything(dataset.items) : trained_items(dataset, valid, comm));

  TrainingData data;
  const auto validating = static_cast<std::size_t>(std::ranges::count(valid, uint8_t{1}));
  data.train.rows.reserve(valid.size() - validating);
  data.valid.rows.reserve(validating);
  for (int64_t u = 0; u < part.users(); ++u) {
    const auto slot = static_cast<std::size_t>(u);
    const int32_t user = users.rows[static_cast<std::size_t>(part.first_user + u)];
    for (auto i = static_cast<std::size_t>(part.offsets[slot]);
         i < static_cast<std::size_t>(part.offsets[slot + 1]); ++i)
      (valid[i] ? data.valid : data.train)
          .rows.push_back({user, items.rows[static_cast<std::size_t>(part.items[i])], part.values[i]});
  }
  for (Samples* samples : {&data.train, &data.valid}) {
    samples->first = comm.exclusive_sum(std::ssize(samples->rows));
    samples->total = comm.sum(std::ssize(samples->rows));
  }
  data.users = std::move(users.vocabulary);
  data.items = std::move(items.vocabulary);
  return data;
}

}  // namespace ncf
