#include "ncf/train/sample_fetcher.hpp"

#include <numeric>

namespace ncf {

void SampleFetcher::begin(Communicator& comm, const Samples& train) {
  holders_ = SampleHolders(comm.all_gather(train.first), train.total);
}

void SampleFetcher::fetch(Communicator& comm, const Samples& train, std::span<const uint64_t> numbers,
                          SampleColumns& out) {
  out.resize(numbers.size());
  find_runs(numbers);
  if (comm.size() > 1) ask(comm, train, numbers);
  const auto put = [&](std::size_t k, const Sample& sample) { out.set(k, sample); };
  std::vector<std::size_t> next(starts_.begin(), starts_.end());  // among what each rank delivered
  const auto here = static_cast<std::size_t>(comm.rank());
  for (const Run& run : runs_) {
    if (run.rank == here) {
      look_up(
          train.rows, run.first, run.end, [&](std::size_t k) { return numbers[k] - holders_.first(here); },
          put);
      continue;
    }
    for (std::size_t k = run.first; k < run.end; ++k) put(k, delivered_[next[run.rank]++]);
  }
}

void SampleFetcher::find_runs(std::span<const uint64_t> numbers) {
  runs_.clear();
  for (std::size_t k = 0; k < numbers.size();) {
    Run run{holders_.of(numbers[k]), k, k + 1};
    const uint64_t begin = holders_.first(run.rank), end = holders_.end(run.rank);
    while (run.end < numbers.size() && begin <= numbers[run.end] && numbers[run.end] < end) ++run.end;
    runs_.push_back(run);
    k = run.end;
  }
}

void SampleFetcher::ask(Communicator& comm, const Samples& train, std::span<const uint64_t> numbers) {
  const auto ranks = static_cast<std::size_t>(comm.size()), here = static_cast<std::size_t>(comm.rank());
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
          static_cast<uint32_t>(numbers[k] - holders_.first(run.rank));
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

}  // namespace ncf
