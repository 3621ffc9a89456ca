#include "ncf/train/dealer.hpp"

#include <algorithm>
#include <numeric>

#include "ncf/util/divisor.hpp"

namespace ncf {
namespace {

/// What the counts [ranks × steps] are for each rank.
std::vector<int64_t> by_rank(std::span<const int32_t> counts, std::size_t ranks) {
  const std::size_t steps = counts.size() / ranks;
  std::vector<int64_t> out;
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto of_rank = counts.subspan(r * steps, steps);
    out.push_back(std::accumulate(of_rank.begin(), of_rank.end(), int64_t{0}));
  }
  return out;
}

/// Where each rank's begin.
std::vector<int64_t> starts(std::span<const int32_t> counts, std::size_t ranks) {
  std::vector<int64_t> out = by_rank(counts, ranks);
  std::exclusive_scan(out.begin(), out.end(), out.begin(), int64_t{0});
  return out;
}

}  // namespace

template <class T>
void Dealer::exchange(Communicator& comm, std::span<const T> send, const std::vector<int32_t>& counts,
                      std::vector<int32_t>& received_counts, std::vector<T>& received) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  received_counts.resize(counts.size());
  comm.all_to_all(std::span<const int32_t>(counts), std::span<int32_t>(received_counts));
  const std::vector<int64_t> there = by_rank(counts, ranks), here = by_rank(received_counts, ranks);
  received.resize(static_cast<std::size_t>(std::accumulate(here.begin(), here.end(), int64_t{0})));
  comm.all_to_all_v(send, std::span<const int64_t>(there), std::span<T>(received),
                    std::span<const int64_t>(here));
}

void Dealer::deal(Communicator& comm, const Samples& train, const SampleHolders& holders,
                  std::span<const int64_t> batches, std::span<const uint64_t> numbers,
                  std::vector<int64_t>& offsets, SampleColumns& out) {
  steps_ = batches.size();
  name(comm, holders, numbers, offsets);
  read(train, holders.ranks());
  share_out(comm, batches);
  send(comm);
  offsets.assign(1, 0);
  for (const int64_t batch : batches)
    offsets.push_back(offsets.back() + granules_.part_size(batch, comm.rank()));
  receive(offsets, holders.ranks(), out);
}

void Dealer::name(Communicator& comm, const SampleHolders& holders, std::span<const uint64_t> numbers,
                  std::span<const int64_t> offsets) {
  ranks_of_.resize(numbers.size());
  sent_counts_.assign(holders.ranks() * steps_, 0);
  for (std::size_t s = 0; s < steps_; ++s)
    for (auto k = static_cast<std::size_t>(offsets[s]); k < static_cast<std::size_t>(offsets[s + 1]); ++k) {
      ranks_of_[k] = static_cast<uint32_t>(holders.of(numbers[k]));
      ++sent_counts_[ranks_of_[k] * steps_ + s];
    }
  names_.resize(numbers.size());
  std::vector<int64_t> next = starts(sent_counts_, holders.ranks());
  for (std::size_t k = 0; k < numbers.size(); ++k)
    names_[static_cast<std::size_t>(next[ranks_of_[k]]++)] =
        static_cast<uint32_t>(numbers[k] - holders.first(ranks_of_[k]));
  exchange(comm, std::span<const uint32_t>(names_), sent_counts_, asked_counts_, asked_);
}

/// The samples that this rank was asked for, step by step and by user, and whose they are.
void Dealer::read(const Samples& train, std::size_t ranks) {
  held_offsets_.assign(1, 0);
  held_.resize(asked_.size());
  std::vector<int64_t> next = starts(asked_counts_, ranks);
  auto to = held_.begin();
  for (std::size_t s = 0; s < steps_; ++s) {
    const auto first = to;
    for (std::size_t r = 0; r < ranks; ++r) {
      const int32_t count = asked_counts_[r * steps_ + s];
      to = std::copy_n(asked_.begin() + next[r], count, to);
      next[r] += count;
    }
    order_.sort(std::span(first, to), train.rows.size());
    held_offsets_.push_back(to - held_.begin());
  }

  samples_.resize(held_.size());
  ranks_of_.resize(held_.size());
  counts_.assign(steps_ * ranks, 0);
  const Divisor world(static_cast<uint32_t>(ranks));
  for (std::size_t s = 0; s < steps_; ++s) {
    int64_t* const counts = counts_.data() + s * ranks;
    look_up(
        train.rows, static_cast<std::size_t>(held_offsets_[s]),
        static_cast<std::size_t>(held_offsets_[s + 1]), [&](std::size_t k) { return held_[k]; },
        [&](std::size_t k, const Sample& sample) {
          samples_[k] = sample;
          ranks_of_[k] = world.divide(static_cast<uint32_t>(sample.user)).remainder;  // as ShardMap
          ++counts[ranks_of_[k]];
        });
  }
}

/// Takes from owners with more than their share what then goes to others: the j-th sample that is too many,
/// in the order of owners and numbers, to the j-th place that is left.
void Dealer::share_out(Communicator& comm, std::span<const int64_t> batches) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  totals_ = before_ = counts_;
  comm.all_reduce_sum(std::span<int64_t>(totals_));
  comm.exclusive_sum(std::span<int64_t>(before_));
  std::vector<int64_t> surplus(ranks), places(ranks);  // of all ranks before
  std::vector<int64_t> number(ranks),
      beyond(ranks);  // of the last sample here; samples here that are too many
  for (std::size_t s = 0; s < steps_; ++s) {
    const std::size_t at = s * ranks;
    int64_t too_many = 0, left = 0, to_find = 0;
    for (std::size_t r = 0; r < ranks; ++r) {
      const int64_t share = granules_.part_size(batches[s], static_cast<int64_t>(r)), total = totals_[at + r];
      surplus[r] = too_many;
      places[r] = left;
      too_many += std::max<int64_t>(0, total - share);
      left += std::max<int64_t>(0, share - total);
      number[r] = before_[at + r] + counts_[at + r] - share - 1;
      beyond[r] = std::clamp<int64_t>(number[r] + 1, 0, counts_[at + r]);
      to_find += beyond[r];
    }
    for (auto k = static_cast<std::size_t>(held_offsets_[s + 1]); to_find > 0;) {
      const std::size_t owner = ranks_of_[--k];
      if (beyond[owner] == 0) continue;
      --beyond[owner];
      --to_find;
      const auto place = std::ranges::upper_bound(places, surplus[owner] + number[owner]--);
      ranks_of_[k] = static_cast<uint32_t>(place - places.begin() - 1);
      --counts_[at + owner];
      ++counts_[at + ranks_of_[k]];
    }
  }
}

void Dealer::send(Communicator& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  for (std::size_t s = 0; s < steps_; ++s)
    for (std::size_t r = 0; r < ranks; ++r)
      sent_counts_[r * steps_ + s] = static_cast<int32_t>(counts_[s * ranks + r]);
  going_.resize(samples_.size());
  std::vector<int64_t> next = starts(sent_counts_, ranks);
  for (std::size_t k = 0; k < samples_.size(); ++k)
    going_[static_cast<std::size_t>(next[ranks_of_[k]]++)] = samples_[k];
  exchange(comm, std::span<const Sample>(going_), sent_counts_, coming_counts_, coming_);
}

/// Ranks hold ranges of users in their order: what they send, one after the other, is by user.
void Dealer::receive(std::span<const int64_t> offsets, std::size_t ranks, SampleColumns& out) const {
  out.resize(coming_.size());
  std::vector<int64_t> next(offsets.begin(), offsets.end() - 1);
  std::size_t from = 0;
  for (std::size_t r = 0; r < ranks; ++r)
    for (std::size_t s = 0; s < steps_; ++s) {
      const auto count = static_cast<std::size_t>(coming_counts_[r * steps_ + s]);
      const auto to = static_cast<std::size_t>(next[s]);
      for (std::size_t k = 0; k < count; ++k) out.set(to + k, coming_[from + k]);
      from += count;
      next[s] += static_cast<int64_t>(count);
    }
}

}  // namespace ncf
