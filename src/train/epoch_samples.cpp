#include "ncf/train/epoch_samples.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "ncf/util/error.hpp"
#include "ncf/util/radix_sort.hpp"

namespace ncf {
namespace {

/// The samples lie anywhere in a memory far larger than the caches: ask for them ahead.
constexpr std::size_t ahead = 48;

template <class At, class Take>
void gather(const AlignedVector<Sample>& rows, std::size_t first, std::size_t end, const At& at,
            const Take& take) {
  const std::size_t sure = end > first + ahead ? end - ahead : first;
  std::size_t k = first;
  for (; k < sure; ++k) {
    __builtin_prefetch(rows.data() + at(k + ahead));
    take(k, rows[at(k)]);
  }
  for (; k < end; ++k) take(k, rows[at(k)]);
}

}  // namespace

EpochSamples::EpochSamples(EpochShape shape, Granules granules, uint64_t seed, Order order, int64_t window)
    : shape_(shape),
      granules_(granules),
      seed_(seed),
      order_within_(order),
      window_(window),
      order_(static_cast<uint64_t>(shape.total), seed, Purpose::epoch_order, 0) {}

EpochSamples::Order EpochSamples::quickest_order(const ModelConfig& model) {
  const bool drops =
      model.embedding_dropout > 0 || std::ranges::any_of(model.dropout, [](double p) { return p > 0; });
  return drops ? Order::global : Order::by_user;
}

void EpochSamples::begin(Communicator& comm, const Samples& train, int64_t epoch) {
  rank_ = comm.rank();
  order_ = Permutation(static_cast<uint64_t>(shape_.total), seed_, Purpose::epoch_order,
                       static_cast<uint64_t>(epoch));
  firsts_ = comm.all_gather(train.first);
  firsts_.push_back(shape_.total);
  // Below its true value: the last sample is still the last rank's.
  ranks_a_sample_ = static_cast<double>(comm.size()) / (static_cast<double>(shape_.total) + 0.5);
  for (std::size_t r = 0; r + 1 < firsts_.size(); ++r)
    if (firsts_[r + 1] - firsts_[r] > int64_t{std::numeric_limits<uint32_t>::max()})
      throw Error(ErrorKind::usage, "more than 2^32 training ratings on a rank: more ranks are needed", true);
  offsets_.assign(1, 0);  // nothing is here yet
}

EpochSamples::Range EpochSamples::mine(int64_t step) const {
  const int64_t batch = shape_.batch(step);
  return {step * shape_.batch_size + granules_.part(batch, rank_), granules_.part_size(batch, rank_)};
}

int64_t EpochSamples::owner(uint64_t number) const {
  const auto n = static_cast<int64_t>(number);
  // Ranks hold about equally many: the guess is nearly always right.
  const auto guess = static_cast<std::size_t>(static_cast<double>(n) * ranks_a_sample_);
  if (firsts_[guess] <= n && n < firsts_[guess + 1]) return static_cast<int64_t>(guess);
  return std::upper_bound(firsts_.begin(), firsts_.end(), n) - firsts_.begin() - 1;
}

void EpochSamples::fetch(Communicator& comm, const Samples& train, int64_t first_step) {
  // The same number of steps on all ranks, from what the largest share can be.
  const int64_t share = (shape_.batch_size / granules_.count + 1) * granules_.a_rank();
  const int64_t last_step = std::min(shape_.steps(), first_step + std::max<int64_t>(1, window_ / share));
  first_step_ = first_step;
  offsets_.assign(1, 0);
  numbers_.clear();
  for (int64_t s = first_step; s < last_step; ++s) {
    const Range range = mine(s);
    for (int64_t k = 0; k < range.count; ++k) numbers_.push_back(static_cast<uint64_t>(range.first + k));
    offsets_.push_back(std::ssize(numbers_));
  }
  order_.inverse(numbers_);
  if (order_within_ == Order::by_user)
    for (int64_t s = first_step; s < last_step; ++s) {
      const auto first = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(s - first_step)]);
      const std::vector<int64_t> granule = bounds(s);
      for (std::size_t g = 0; g + 1 < granule.size(); ++g)
        sort(std::span(numbers_).subspan(first + static_cast<std::size_t>(granule[g]),
                                         static_cast<std::size_t>(granule[g + 1] - granule[g])));
    }
  take(comm, train);
}

/// Samples are numbered by user.
void EpochSamples::sort(std::span<uint64_t> numbers) {
  constexpr std::size_t worth_it = 256;  // fewer samples seldom meet a user twice
  if (numbers.size() < worth_it) return;
  keys_.assign(numbers.begin(), numbers.end());
  sort_by_bits(keys_, scratch_, 0, static_cast<uint64_t>(shape_.total));
  std::ranges::copy(keys_, numbers.begin());
}

std::vector<int64_t> EpochSamples::bounds(int64_t step) const {
  const int64_t batch = shape_.batch(step);
  const int64_t first_granule = granules_.subtree(rank_) * granules_.a_rank();
  std::vector<int64_t> out;
  for (int64_t g = 0; g <= granules_.a_rank(); ++g)
    out.push_back(granules_.sample(batch, first_granule + g) - granules_.part(batch, rank_));
  return out;
}

/// The samples of the window: those held here as they are, the others after one question to each rank.
void EpochSamples::take(Communicator& comm, const Samples& train) {
  const std::size_t count = numbers_.size();
  users_.resize(count);
  items_.resize(count);
  ratings_.resize(count);
  find_runs();
  if (comm.size() > 1) ask(comm, train);
  const auto put = [&](std::size_t k, const Sample& sample) {
    users_[k] = sample.user;
    items_[k] = sample.item;
    ratings_[k] = sample.rating;
  };
  std::vector<std::size_t> next(starts_.begin(), starts_.end());  // among what each rank delivered
  for (const Run& run : runs_) {
    const auto rank = static_cast<std::size_t>(run.rank);
    if (run.rank == rank_) {
      const auto first_here = static_cast<uint64_t>(firsts_[rank]);
      gather(
          train.rows, run.first, run.end, [&](std::size_t k) { return numbers_[k] - first_here; }, put);
      continue;
    }
    for (std::size_t k = run.first; k < run.end; ++k) put(k, delivered_[next[rank]++]);
  }
}

void EpochSamples::find_runs() {
  runs_.clear();
  for (std::size_t k = 0; k < numbers_.size();) {
    Run run{owner(numbers_[k]), k, k + 1};
    const auto begin = static_cast<uint64_t>(firsts_[static_cast<std::size_t>(run.rank)]),
               end = static_cast<uint64_t>(firsts_[static_cast<std::size_t>(run.rank) + 1]);
    while (run.end < numbers_.size() && begin <= numbers_[run.end] && numbers_[run.end] < end) ++run.end;
    runs_.push_back(run);
    k = run.end;
  }
}

void EpochSamples::ask(Communicator& comm, const Samples& train) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<int64_t> wanted(ranks), given(ranks);
  for (const Run& run : runs_)
    if (run.rank != rank_)
      wanted[static_cast<std::size_t>(run.rank)] += static_cast<int64_t>(run.end - run.first);
  starts_.assign(ranks, 0);
  std::exclusive_scan(wanted.begin(), wanted.end(), starts_.begin(), int64_t{0});
  requests_.resize(static_cast<std::size_t>(starts_.back() + wanted.back()));
  std::vector<int64_t> next = starts_;
  for (const Run& run : runs_) {
    if (run.rank == rank_) continue;
    const auto rank = static_cast<std::size_t>(run.rank);
    const auto first_there = static_cast<uint64_t>(firsts_[rank]);
    for (std::size_t k = run.first; k < run.end; ++k)
      requests_[static_cast<std::size_t>(next[rank]++)] = static_cast<uint32_t>(numbers_[k] - first_there);
  }

  const auto asked =
      comm.all_to_all_v(std::span<const uint32_t>(requests_), std::span<const int64_t>(wanted));
  for (std::size_t r = 0; r < ranks; ++r) given[r] = asked.offsets[r + 1] - asked.offsets[r];
  replies_.resize(asked.values.size());
  gather(
      train.rows, 0, replies_.size(), [&](std::size_t k) { return asked.values[k]; },
      [&](std::size_t k, const Sample& sample) { replies_[k] = sample; });
  delivered_.resize(requests_.size());
  comm.all_to_all_v(std::span<const Sample>(replies_), std::span<const int64_t>(given),
                    std::span<Sample>(delivered_), std::span<const int64_t>(wanted));
}

EpochSamples::Part EpochSamples::part(Communicator& comm, const Samples& train, int64_t step) {
  if (step < first_step_ || step >= first_step_ + std::ssize(offsets_) - 1) fetch(comm, train, step);
  const auto slot = static_cast<std::size_t>(step - first_step_);
  const auto first = static_cast<std::size_t>(offsets_[slot]);
  const auto count = static_cast<std::size_t>(offsets_[slot + 1]) - first;
  return {std::span(users_).subspan(first, count),
          std::span(items_).subspan(first, count),
          std::span(ratings_).subspan(first, count),
          mine(step).first,
          shape_.batch(step),
          bounds(step)};
}

}  // namespace ncf
