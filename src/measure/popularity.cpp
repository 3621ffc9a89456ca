#include "ncf/measure/popularity.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "ncf/data/synthetic.hpp"
#include "ncf/embed/shard_map.hpp"

namespace ncf {
namespace {

std::vector<double> counted(const Samples& samples, int64_t rows, int32_t Sample::*side, Communicator& comm) {
  std::vector<double> degrees(static_cast<std::size_t>(rows));
  for (const Sample& s : samples.rows) degrees[static_cast<std::size_t>(s.*side)] += 1;
  comm.all_reduce_sum(std::span<double>(degrees));
  return degrees;
}

/// Numbers that are nearly equal, together.
struct Class {
  double count = 0, sum = 0;
  double mean() const { return sum / count; }
};
using Classes = std::map<int, Class>;

int class_of(double number) {
  return static_cast<int>(std::floor(8 * std::log2(number)));
}

Classes classes_of(const std::vector<double>& numbers, double scale) {
  Classes classes;
  for (const double n : numbers) {
    if (n <= 0) continue;
    Class& c = classes[class_of(n * scale)];
    c.count += 1;
    c.sum += n * scale;
  }
  return classes;
}

/// Where a non-decreasing function reaches a value.
template <class F>
double where(const F& f, double value) {
  double low = 0, high = 1;
  for (int k = 0; k < 200 && f(high) < value; ++k) high *= 2;
  for (int k = 0; k < 60; ++k) (f((low + high) / 2) < value ? low : high) = (low + high) / 2;
  return high;
}

/// Training ratings that items of these probabilities get of users with so many. Each user takes different
/// ones: those whose exponential waiting times, the probabilities being the rates, end before some time t,
/// which makes it n of them. So a heavy user takes popular and unpopular ones nearly alike.
std::vector<double> item_degrees(std::vector<double> probabilities, const std::vector<double>& user_degrees,
                                 double training) {
  const Classes items = classes_of(probabilities, 1), users = classes_of(user_degrees, 1 / training);
  std::map<int, double> degrees;  // of an item of the class
  for (const auto& [key, user] : users) {
    const double t = where(
        [&](double time) {
          double taken = 0;
          for (const auto& [k, item] : items) taken -= item.count * std::expm1(-time * item.mean());
          return taken;
        },
        user.mean());
    for (const auto& [k, item] : items) degrees[k] -= training * user.count * std::expm1(-t * item.mean());
  }
  for (double& p : probabilities) {
    const int k = class_of(p);
    p = degrees.at(k) * p / items.at(k).mean();
  }
  return probabilities;
}

/// How many users a split leaves a training rating: not those all of whose ratings validate.
double trained_users(const std::vector<double>& degrees, double training) {
  double known = 0;
  for (const double d : degrees) known += 1 - std::pow(1 - training, d / training);
  return known;
}

/// The same of items, whose numbers of ratings are expected ones of rare events.
double trained_items(const std::vector<double>& degrees) {
  double known = 0;
  for (const double d : degrees) known -= std::expm1(-d);
  return known;
}

/// Sums of the rows of each rank.
std::vector<double> by_owner(const std::vector<double>& degrees, int64_t world) {
  std::vector<double> sums(static_cast<std::size_t>(world));
  const ShardMap shards{0, world};
  for (std::size_t row = 0; row < degrees.size(); ++row)
    sums[static_cast<std::size_t>(shards.owner(static_cast<int64_t>(row)))] += degrees[row];
  return sums;
}

}  // namespace

Popularity popularity_of(const TrainingData& data, Communicator& comm) {
  return {.users = counted(data.train, data.users.size() + 1, &Sample::user, comm),
          .items = counted(data.train, data.items.size() + 1, &Sample::item, comm),
          .known_users = static_cast<double>(data.users.size()),
          .known_items = static_cast<double>(data.items.size()),
          .train = data.train.total,
          .valid = data.valid.total};
}

Popularity expected_popularity(const DataConfig& config, uint64_t seed) {
  const double training = config.split == SplitKind::random ? 1 - config.valid_fraction : 1;
  Popularity p;
  p.train = std::llround(training * static_cast<double>(config.synthetic.ratings));
  p.valid = config.synthetic.ratings - p.train;
  p.users.push_back(0);  // nobody is unknown
  for (const int64_t n : synthetic_activity(config.synthetic, seed))
    p.users.push_back(training * static_cast<double>(n));
  p.items = item_degrees(synthetic_popularity(config.synthetic, seed), p.users, training);
  p.items.insert(p.items.begin(), 0);
  const bool all = config.vocabulary == VocabularyKind::all;
  p.known_users = all ? static_cast<double>(config.synthetic.users) : trained_users(p.users, training);
  p.known_items = all ? static_cast<double>(config.synthetic.items) : trained_items(p.items);
  return p;
}

double expected_unique(const std::vector<double>& degrees, double total, double samples) {
  double sum = 0;
  for (const double d : degrees) {
    if (d <= 0) continue;
    const double taken = samples / (total - std::max(0.0, d - 1) / 2);
    sum += taken >= 1 ? 1 : -std::expm1(d * std::log1p(-taken));
  }
  return sum;
}

double expected_brought(const std::vector<double>& degrees, double total, double batch, int64_t world) {
  const double share = batch / static_cast<double>(world);
  const double samples_a_row = std::max(1.0, batch / expected_unique(degrees, total, batch));
  double rows = 0;
  for (const double samples : by_owner(degrees, world)) {
    const double p = samples / total, mean = batch * p;
    const double deviation = std::sqrt(mean * (1 - p) * (total - batch) / std::max(1.0, total - 1));
    if (deviation == 0) {
      rows += std::max(0.0, mean - share) / samples_a_row;
      continue;
    }
    // Of a normal variable: how often it is above the share, and by how much on average.
    const double z = (mean - share) / deviation;
    const double above = std::erfc(-z / std::sqrt(2.0)) / 2;
    const double surplus =
        deviation * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) + (mean - share) * above;
    // They stand together: if there is one, a row begins.
    rows += above + std::max(0.0, surplus - above) / samples_a_row;
  }
  return rows / static_cast<double>(world);
}

void set_unique_rows(StepWork& work, const Popularity& popularity) {
  const auto total = static_cast<double>(popularity.train), batch = static_cast<double>(work.batch),
             world = static_cast<double>(work.world);
  const auto set = [&](TableWork& table, const std::vector<double>& degrees) {
    table.unique_here = expected_unique(degrees, total, batch / world);
    table.unique_all = expected_unique(degrees, total, batch);
    table.brought = table.unique_here * (world - 1) / world;
  };
  TableWork& users = work.tables.at(0);
  set(users, popularity.users);
  set(work.tables.at(1), popularity.items);
  if (!work.deals || work.world == 1) return;
  users.brought = expected_brought(popularity.users, total, batch, work.world);
  users.unique_here = work.owned(users);
}

}  // namespace ncf
