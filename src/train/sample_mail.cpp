#include "ncf/train/sample_mail.hpp"

#include <algorithm>
#include <numeric>

namespace ncf {
namespace {

/// Counts, and what is sent of each to whom, rest while samples are read, and these while counts are: every
/// delivery passes both meetings.
enum Box : int { counts_box, sent_box, samples_box, boxes };

int64_t sum(std::span<const int32_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

/// Counts [ranks × steps] of one rank.
std::span<const int32_t> of_rank(std::span<const int32_t> counts, std::size_t rank, std::size_t steps) {
  return counts.subspan(rank * steps, steps);
}

}  // namespace

void SampleMail::share_memory(Communicator& comm) {
  mail_ = Mailbox::open(comm, boxes);
}

void SampleMail::add_up(Communicator& comm, std::span<const int64_t> counts, std::vector<int64_t>& totals,
                        std::vector<int64_t>& before) {
  totals.assign(counts.begin(), counts.end());
  if (mail_ == nullptr) {
    before = totals;
    comm.all_reduce_sum(std::span<int64_t>(totals));
    comm.exclusive_sum(std::span<int64_t>(before));
    return;
  }
  std::ranges::copy(counts, mail_->room<int64_t>(counts_box, std::ssize(counts)));
  mail_->meet(comm, counts.size_bytes() * static_cast<std::size_t>(comm.size() - 1));
  totals.assign(counts.size(), 0);
  for (std::size_t r = 0; r < static_cast<std::size_t>(comm.size()); ++r) {
    if (r == static_cast<std::size_t>(comm.rank())) before = totals;
    const auto* const of = mail_->of<int64_t>(r, counts_box);
    for (std::size_t k = 0; k < counts.size(); ++k) totals[k] += of[k];
  }
}

std::span<Sample> SampleMail::room(std::size_t samples) {
  if (mail_ != nullptr) return {mail_->room<Sample>(samples_box, static_cast<int64_t>(samples)), samples};
  going_.resize(samples);
  return going_;
}

void SampleMail::deliver(Communicator& comm, std::span<const int32_t> counts) {
  const auto ranks = static_cast<std::size_t>(comm.size()), me = static_cast<std::size_t>(comm.rank());
  const std::size_t steps = counts.size() / ranks;
  samples_.resize(ranks);
  counts_.resize(ranks);
  if (mail_ == nullptr) return deliver_by_message(comm, counts);
  std::ranges::copy(counts, mail_->room<int32_t>(sent_box, std::ssize(counts)));
  const auto away = static_cast<uint64_t>(sum(counts) - sum(of_rank(counts, me, steps)));
  mail_->meet(comm, away * sizeof(Sample) + (counts.size() - steps) * sizeof(int32_t));
  for (std::size_t r = 0; r < ranks; ++r) {
    const std::span sent(mail_->of<int32_t>(r, sent_box), counts.size());
    const auto first = sum(sent.first(me * steps));
    counts_[r] = of_rank(sent, me, steps);
    samples_[r] = {mail_->of<Sample>(r, samples_box) + first, static_cast<std::size_t>(sum(counts_[r]))};
  }
}

void SampleMail::deliver_by_message(Communicator& comm, std::span<const int32_t> counts) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::size_t steps = counts.size() / ranks;
  counts_came_.resize(counts.size());
  comm.all_to_all(counts, std::span<int32_t>(counts_came_));
  std::vector<int64_t> there, here;
  for (std::size_t r = 0; r < ranks; ++r) {
    counts_[r] = of_rank(counts_came_, r, steps);
    there.push_back(sum(of_rank(counts, r, steps)));
    here.push_back(sum(counts_[r]));
  }
  came_.resize(static_cast<std::size_t>(std::accumulate(here.begin(), here.end(), int64_t{0})));
  comm.all_to_all_v(std::span<const Sample>(going_).first(static_cast<std::size_t>(sum(counts))),
                    std::span<const int64_t>(there), std::span<Sample>(came_),
                    std::span<const int64_t>(here));
  std::size_t first = 0;
  for (std::size_t r = 0; r < ranks; ++r) {
    samples_[r] = std::span<const Sample>(came_).subspan(first, static_cast<std::size_t>(here[r]));
    first += static_cast<std::size_t>(here[r]);
  }
}

}  // namespace ncf
