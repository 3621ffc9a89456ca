#include "ncf/data/synthetic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "ncf/data/permutation.hpp"
#include "ncf/data/user_ranges.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr std::size_t hidden_rank = 4;
constexpr double mean_score = 3.4, user_sd = 0.4, item_sd = 0.5, taste_sd = 0.8, noise_sd = 0.35;
constexpr double activity_sd = 1.1;
constexpr uint64_t first_time = 1'000'000'000, time_span = 315'360'000;

/// What a draw is for. With the user or item it makes the first counter; the second numbers the draws.
enum class Draw : uint64_t {
  activity,
  user_factors,
  item_factors,
  item_choice,
  noise,
  time,
  few_ratings,
  popularity
};

uint64_t counter(Draw draw, uint64_t entity) {
  return entity << 4 | static_cast<uint64_t>(draw);
}

struct Hidden {
  double bias;
  std::array<double, hidden_rank> taste;
};

Hidden hidden_of(uint64_t seed, Draw draw, uint64_t entity, double bias_sd) {
  const auto normal = [&](uint64_t b) {
    return random_normal(seed, Purpose::synthetic, counter(draw, entity), b);
  };
  Hidden hidden{bias_sd * normal(0), {}};
  // The product of two standard normal vectors of length k has deviation sqrt(k).
  const double scale = std::sqrt(taste_sd / std::sqrt(static_cast<double>(hidden_rank)));
  for (std::size_t k = 0; k < hidden_rank; ++k) hidden.taste[k] = scale * normal(k + 1);
  return hidden;
}

/// Long-tailed: falls off with an item's rank.
std::vector<double> item_weights(int64_t items, uint64_t seed) {
  const auto n = static_cast<uint64_t>(items);
  const Permutation rank_of(n, seed, Purpose::synthetic, counter(Draw::popularity, 0));
  const double flat = 1 + static_cast<double>(items) / 100;
  std::vector<double> weights(n);
  for (uint64_t i = 0; i < n; ++i) weights[i] = 1 / (flat + static_cast<double>(rank_of.forward(i)));
  return weights;
}

/// Draws of items by their weights.
class ItemChoice {
 public:
  ItemChoice(int64_t items, uint64_t seed) : seed_(seed), weights_(item_weights(items, seed)) {
    const auto n = static_cast<uint64_t>(items);
    cumulative_.resize(weights_.size());
    std::partial_sum(weights_.begin(), weights_.end(), cumulative_.begin());
    taken_.resize(weights_.size());
    buckets_ = std::bit_ceil(n);
    uint32_t at = 0;
    for (uint64_t b = 0; b < buckets_; ++b) {
      const double x = static_cast<double>(b) / static_cast<double>(buckets_) * cumulative_.back();
      while (at + 1 < n && cumulative_[at] <= x) ++at;
      begin_.push_back(at);
    }
  }

  /// `count` different items of a user, ascending. Valid until the next call.
  const std::vector<int32_t>& draw(uint64_t user, int64_t count) {
    const auto wanted = static_cast<std::size_t>(count);
    chosen_.clear();
    wanted > weights_.size() / 8 ? by_exponentials(user, wanted) : by_trial(user, wanted);
    std::sort(chosen_.begin(), chosen_.end());
    return chosen_;
  }

 private:
  double uniform(uint64_t user, uint64_t trial) const {
    return random_uniform(seed_, Purpose::synthetic, counter(Draw::item_choice, user), trial);
  }

  /// Draws with replacement until enough different ones were seen: quick when few are wanted. A draw begins
  /// its search in the bucket of its number; the tables are larger than caches, so several draws look at
  /// once.
  void by_trial(uint64_t user, std::size_t wanted) {
    std::array<double, 16> draws;
    for (uint64_t trial = 0; chosen_.size() < wanted; trial += draws.size()) {
      const std::size_t some = std::min(draws.size(), wanted - chosen_.size() + 2);
      for (std::size_t k = 0; k < some; ++k) {
        draws[k] = uniform(user, trial + k);
        __builtin_prefetch(&begin_[bucket(draws[k])]);
      }
      for (std::size_t k = 0; k < some; ++k) __builtin_prefetch(&cumulative_[begin_[bucket(draws[k])]]);
      for (std::size_t k = 0; k < some && chosen_.size() < wanted; ++k) take(draws[k]);
      trial -= draws.size() - some;
    }
    for (const int32_t item : chosen_) taken_[static_cast<std::size_t>(item)] = 0;
  }

  std::size_t bucket(double u) const { return static_cast<std::size_t>(u * static_cast<double>(buckets_)); }

  /// The first item whose cumulative weight is above the number drawn.
  void take(double u) {
    const double x = u * cumulative_.back();
    std::size_t at = begin_[bucket(u)];
    while (at + 1 < cumulative_.size() && cumulative_[at] <= x) ++at;
    if (!taken_[at]) chosen_.push_back(static_cast<int32_t>(at));
    taken_[at] = 1;
  }

  /// The same distribution in one pass over all items (Efraimidis and Spirakis 2006): the smallest of
  /// exponential waiting times with the weights as rates.
  void by_exponentials(uint64_t user, std::size_t wanted) {
    std::vector<std::pair<double, int32_t>> waits(weights_.size());
    for (std::size_t i = 0; i < waits.size(); ++i)
      waits[i] = {-std::log1p(-uniform(user, i)) / weights_[i], static_cast<int32_t>(i)};
    std::nth_element(waits.begin(), waits.begin() + static_cast<int64_t>(wanted) - 1, waits.end());
    for (std::size_t i = 0; i < wanted; ++i) chosen_.push_back(waits[i].second);
  }

  uint64_t seed_;
  std::vector<double> weights_, cumulative_;
  uint64_t buckets_ = 1;         // a power of two
  std::vector<uint32_t> begin_;  // [buckets]: where the search for a number of the bucket begins
  std::vector<uint8_t> taken_;   // all 0 between draws
  std::vector<int32_t> chosen_;
};

void check(const SyntheticConfig& c) {
  const auto wrong = [](const std::string& what) {
    throw Error(ErrorKind::usage, "data.synthetic: " + what);
  };
  constexpr int64_t most = std::numeric_limits<int32_t>::max() - 1;
  if (c.users < 1 || c.items < 1 || c.ratings < 1) wrong("users, items and ratings must be at least 1");
  if (c.users > most || c.items > most)
    wrong("at most " + std::to_string(most) + " users and items are supported");
  if ((c.ratings - 1) / c.items >= c.users)
    wrong(std::to_string(c.ratings) + " ratings, but " + std::to_string(c.users) + " users and " +
          std::to_string(c.items) + " items make only " + std::to_string(c.users * c.items) +
          " different pairs");
}

Vocabulary numbered(int64_t n) {
  std::vector<int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), 1);
  return {std::move(ids)};
}

int64_t share(double scaled_weight, int64_t room) {
  return std::min(room, static_cast<int64_t>(std::min(scaled_weight, 1e18)));
}

/// What all users have together at this scale; no more than users × room.
NCF_MULTIARCH int64_t shares(const std::vector<double>& weights, double scale, int64_t room) {
  int64_t sum = 0;
  const double* w = weights.data();
  const std::size_t n = weights.size();
  for (std::size_t u = 0; u < n; ++u) sum += share(scale * w[u], room);
  return sum;
}

float rating_of(double score) {
  return static_cast<float>(std::clamp(std::round(2 * score) / 2, 1.0, 5.0));
}

void add_user(uint64_t seed, uint64_t u, const std::vector<int32_t>& chosen, const std::vector<Hidden>& items,
              bool with_times, RatingsPart& part) {
  const Hidden user = hidden_of(seed, Draw::user_factors, u, user_sd);
  for (const int32_t item : chosen) __builtin_prefetch(&items[static_cast<std::size_t>(item)]);
  for (const int32_t item : chosen) {
    const auto i = static_cast<uint64_t>(item);
    const Hidden& about = items[i];
    const double taste = std::inner_product(user.taste.begin(), user.taste.end(), about.taste.begin(), 0.0);
    const double noise = noise_sd * random_normal(seed, Purpose::synthetic, counter(Draw::noise, u), i);
    part.items.push_back(item);
    part.values.push_back(rating_of(mean_score + user.bias + about.bias + taste + noise));
    if (!with_times) continue;
    part.times.push_back(static_cast<int64_t>(
        first_time + random_below(time_span, seed, Purpose::synthetic, counter(Draw::time, u), i)));
  }
}

}  // namespace

std::vector<double> synthetic_popularity(const SyntheticConfig& config, uint64_t seed) {
  std::vector<double> weights = item_weights(config.items, seed);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& w : weights) w /= sum;
  return weights;
}

std::vector<int64_t> synthetic_activity(const SyntheticConfig& config, uint64_t seed) {
  const auto users = static_cast<uint64_t>(config.users);
  std::vector<int64_t> counts(users, 1);
  if (config.ratings < config.users) {  // which users have one
    const Permutation order(users, seed, Purpose::synthetic, counter(Draw::few_ratings, 0));
    for (uint64_t u = 0; u < users; ++u) counts[u] = order.forward(u) < static_cast<uint64_t>(config.ratings);
    return counts;
  }
  std::vector<double> weights(users);
  for (uint64_t u = 0; u < users; ++u)
    weights[u] =
        std::exp(activity_sd * random_normal(seed, Purpose::synthetic, counter(Draw::activity, u), 0));
  const int64_t more = config.ratings - config.users, room = config.items - 1;
  // The largest scale at which the shares do not add up to too many, then the rest one each.
  double low = 0, high = 1;
  const auto too_many = [&](double scale) { return shares(weights, scale, room) > more; };
  while (high < 1e15 && !too_many(high)) high *= 2;
  for (int step = 0; step < 60; ++step) (too_many((low + high) / 2) ? high : low) = (low + high) / 2;
  int64_t left = more;
  for (std::size_t u = 0; u < users; ++u) {
    const int64_t n = share(low * weights[u], room);
    counts[u] += n;
    left -= n;
  }
  while (left > 0)
    for (std::size_t u = 0; u < users && left > 0; ++u)
      if (counts[u] <= room) ++counts[u], --left;
  return counts;
}

Dataset synthetic_dataset(const SyntheticConfig& config, uint64_t seed, Slice slice, bool with_times) {
  check(config);
  Dataset dataset;
  dataset.users = numbered(config.users);
  dataset.items = numbered(config.items);
  dataset.total_rows = config.ratings;
  dataset.source = "synthetic";
  const std::vector<int64_t> counts = synthetic_activity(config, seed);
  const std::vector<int64_t> bounds = user_ranges(counts, slice.world);
  const auto first = static_cast<uint64_t>(bounds[static_cast<std::size_t>(slice.rank)]);
  const auto last = static_cast<uint64_t>(bounds[static_cast<std::size_t>(slice.rank) + 1]);

  RatingsPart& part = dataset.part;
  part.first_user = static_cast<int64_t>(first);
  part.first_row = std::accumulate(counts.begin(), counts.begin() + part.first_user, int64_t{0});
  part.offsets.push_back(0);
  if (first == last) return dataset;

  std::vector<Hidden> items;
  for (uint64_t i = 0; i < static_cast<uint64_t>(config.items); ++i)
    items.push_back(hidden_of(seed, Draw::item_factors, i, item_sd));
  ItemChoice choice(config.items, seed);
  const auto rows = static_cast<std::size_t>(std::accumulate(
      counts.begin() + part.first_user, counts.begin() + static_cast<int64_t>(last), int64_t{0}));
  part.items.reserve(rows);
  part.values.reserve(rows);
  if (with_times) part.times.reserve(rows);
  part.offsets.reserve(last - first + 1);
  for (uint64_t u = first; u < last; ++u) {
    if (counts[u] > 0) add_user(seed, u, choice.draw(u, counts[u]), items, with_times, part);
    part.offsets.push_back(part.rows());
  }
  return dataset;
}

}  // namespace ncf
