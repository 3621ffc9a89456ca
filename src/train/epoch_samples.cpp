#include "ncf/train/epoch_samples.hpp"

#include <algorithm>
#include <limits>

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
  offsets_.assign(1, 0);  // nothing is here yet
  if (comm.max(std::ssize(train.rows)) > int64_t{std::numeric_limits<uint32_t>::max()})
    throw Error(ErrorKind::usage, "more than 2^32 training ratings on a rank: more ranks are needed", true);
  deals_ = order_within_ == Order::with_owner && comm.size() > 1;
  if (!deals_) return fetcher_.begin(comm, train);
  due_.begin(order_, static_cast<uint64_t>(train.first), train.rows.size(),
             {static_cast<uint64_t>(shape_.batch_size), static_cast<uint64_t>(shape_.steps()),
              static_cast<uint64_t>(steps_a_window(comm))});
}

/// The same on all ranks, from what the largest share can be.
int64_t EpochSamples::steps_a_window(const Communicator& comm) const {
  const int64_t share = (shape_.batch_size / granules_.count + 1) * granules_.a_rank();
  return std::min(std::max<int64_t>(1, window_ / share), Dealer::most_steps(comm.size()));
}

EpochSamples::Range EpochSamples::mine(int64_t step) const {
  const int64_t batch = shape_.batch(step);
  return {step * shape_.batch_size + granules_.part(batch, rank_), granules_.part_size(batch, rank_)};
}

void EpochSamples::fetch(Communicator& comm, const Samples& train, int64_t first_step) {
  const int64_t steps = steps_a_window(comm);
  if (deals_) return deal(comm, train, first_step / steps, steps);
  const int64_t last_step = std::min(shape_.steps(), first_step + steps);
  first_step_ = first_step;
  offsets_.assign(1, 0);
  numbers_.clear();
  for (int64_t s = first_step; s < last_step; ++s) {
    const Range range = mine(s);
    for (int64_t k = 0; k < range.count; ++k) numbers_.push_back(static_cast<uint64_t>(range.first + k));
    offsets_.push_back(std::ssize(numbers_));
  }
  order_.inverse(numbers_);
  if (order_within_ != Order::global) sort(last_step - first_step);
  fetcher_.fetch(comm, train, numbers_, columns_);
}

void EpochSamples::deal(Communicator& comm, const Samples& train, int64_t window, int64_t steps) {
  first_step_ = window * steps;
  std::vector<int64_t> batches;
  for (int64_t s = first_step_; s < std::min(shape_.steps(), first_step_ + steps); ++s)
    batches.push_back(shape_.batch(s));
  dealer_.deal(comm, train, due_.in(static_cast<uint64_t>(window)), batches, offsets_, columns_);
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
