#include "ncf/train/epoch_samples.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "ncf/util/error.hpp"

namespace ncf {

EpochSamples::EpochSamples(EpochShape shape, Granules granules, uint64_t seed, Order order, int64_t window)
    : shape_(shape),
      granules_(granules),
      seed_(seed),
      order_within_(order == Order::with_owner && granules.fixed_order ? Order::by_user : order),
      window_(window),
      order_(static_cast<uint64_t>(shape.total), seed, Purpose::epoch_order, 0),
      dealer_(granules) {}

EpochSamples::Order EpochSamples::quickest_order(const ModelConfig& model) {
  const bool drops =
      model.embedding_dropout > 0 || std::ranges::any_of(model.dropout, [](double p) { return p > 0; });
  return drops ? Order::global : Order::with_owner;
}

void EpochSamples::begin(Communicator& comm, const Samples& train, int64_t epoch) {
  rank_ = comm.rank();
  order_ = Permutation(static_cast<uint64_t>(shape_.total), seed_, Purpose::epoch_order,
                       static_cast<uint64_t>(epoch));
  holders_ = SampleHolders(comm.all_gather(train.first), shape_.total);
  if (holders_.most() > int64_t{std::numeric_limits<uint32_t>::max()})
    throw Error(ErrorKind::usage, "more than 2^32 training ratings on a rank: more ranks are needed", true);
  offsets_.assign(1, 0);  // nothing is here yet
}

EpochSamples::Range EpochSamples::mine(int64_t step) const {
  const int64_t batch = shape_.batch(step);
  return {step * shape_.batch_size + granules_.part(batch, rank_), granules_.part_size(batch, rank_)};
}

void EpochSamples::fetch(Communicator& comm, const Samples& train, int64_t first_step) {
  // The same number of steps on all ranks, from what the largest share can be.
  const int64_t share = (shape_.batch_size / granules_.count + 1) * granules_.a_rank();
  const int64_t most = std::min(std::max<int64_t>(1, window_ / share), Dealer::most_steps(comm.size()));
  const int64_t last_step = std::min(shape_.steps(), first_step + most);
  first_step_ = first_step;
  offsets_.assign(1, 0);
  numbers_.clear();
  for (int64_t s = first_step; s < last_step; ++s) {
    const Range range = mine(s);
    for (int64_t k = 0; k < range.count; ++k) numbers_.push_back(static_cast<uint64_t>(range.first + k));
    offsets_.push_back(std::ssize(numbers_));
  }
  order_.inverse(numbers_);
  if (order_within_ == Order::with_owner && comm.size() > 1) {
    std::vector<int64_t> batches;
    for (int64_t s = first_step; s < last_step; ++s) batches.push_back(shape_.batch(s));
    return dealer_.deal(comm, train, holders_, batches, numbers_, offsets_, columns_);
  }
  if (order_within_ != Order::global) sort(last_step - first_step);
  take(comm, train);
}

void EpochSamples::sort(int64_t steps) {
  for (int64_t s = 0; s < steps; ++s) {
    const auto first = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(s)]);
    std::vector<int64_t> cuts = bounds(first_step_ + s);
    // A rank alone has all users: its granules differ in their users, too.
    if (order_within_ == Order::with_owner) cuts = {cuts.front(), cuts.back()};
    for (std::size_t g = 0; g + 1 < cuts.size(); ++g)
      user_order_.sort(std::span(numbers_).subspan(first + static_cast<std::size_t>(cuts[g]),
                                                   static_cast<std::size_t>(cuts[g + 1] - cuts[g])),
                       static_cast<uint64_t>(shape_.total));
  }
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
  columns_.resize(count);
  find_runs();
  if (comm.size() > 1) ask(comm, train);
  const auto put = [&](std::size_t k, const Sample& sample) { columns_.set(k, sample); };
  std::vector<std::size_t> next(starts_.begin(), starts_.end());  // among what each rank delivered
  const auto here = static_cast<std::size_t>(rank_);
  for (const Run& run : runs_) {
    if (run.rank == here) {
      look_up(
          train.rows, run.first, run.end, [&](std::size_t k) { return numbers_[k] - holders_.first(here); },
          put);
      continue;
    }
    for (std::size_t k = run.first; k < run.end; ++k) put(k, delivered_[next[run.rank]++]);
  }
}

void EpochSamples::find_runs() {
  runs_.clear();
  for (std::size_t k = 0; k < numbers_.size();) {
    Run run{holders_.of(numbers_[k]), k, k + 1};
    const uint64_t begin = holders_.first(run.rank), end = holders_.end(run.rank);
    while (run.end < numbers_.size() && begin <= numbers_[run.end] && numbers_[run.end] < end) ++run.end;
    runs_.push_back(run);
    k = run.end;
  }
}

void EpochSamples::ask(Communicator& comm, const Samples& train) {
  const auto ranks = static_cast<std::size_t>(comm.size()), here = static_cast<std::size_t>(rank_);
  std::vector<int64_t> wanted(ranks), given(ranks);
  for (const Run& run : runs_)
    if (run.rank != here) wanted[run.rank] += static_cast<int64_t>(run.end - run.first);
  starts_.assign(ranks, 0);
  std::exclusive_scan(wanted.begin(), wanted.end(), starts_.begin(), int64_t{0});
  requests_.resize(static_cast<std::size_t>(starts_.back() + wanted.back()));
  std::vector<int64_t> next = starts_;
  for (const Run& run : runs_) {
    if (run.rank == here) continue;
    for (std::size_t k = run.first; k < run.end; ++k)
      requests_[static_cast<std::size_t>(next[run.rank]++)] =
          static_cast<uint32_t>(numbers_[k] - holders_.first(run.rank));
  }

  const auto asked =
      comm.all_to_all_v(std::span<const uint32_t>(requests_), std::span<const int64_t>(wanted));
  for (std::size_t r = 0; r < ranks; ++r) given[r] = asked.offsets[r + 1] - asked.offsets[r];
  replies_.resize(asked.values.size());
  look_up(
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
  return {std::span(columns_.users).subspan(first, count),
          std::span(columns_.items).subspan(first, count),
          std::span(columns_.ratings).subspan(first, count),
          mine(step).first,
          shape_.batch(step),
          bounds(step)};
}

}  // namespace ncf
