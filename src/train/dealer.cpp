#include "ncf/train/dealer.hpp"

#include <algorithm>
#include <numeric>

#include "ncf/util/divisor.hpp"

namespace ncf {
void Dealer::deal(Communicator& comm, const Samples& train, const DueSamples::Due& due,
                  std::span<const int64_t> batches, std::vector<int64_t>& offsets, SampleColumns& out) {
  steps_ = batches.size();
  ranks_ = static_cast<std::size_t>(comm.size());
  read(train, due);
  group(due);
  share_out(comm, batches);
  pack();
  mail_.deliver(comm, sent_counts_);
  offsets.assign(1, 0);
  for (const int64_t batch : batches)
    offsets.push_back(offsets.back() + granules_.part_size(batch, comm.rank()));
  receive(offsets, out);
}

void Dealer::read(const Samples& train, const DueSamples::Due& due) {
  samples_ = train.rows;
  if (due.all) return;
  read_.resize(due.places.size());
  look_up(
      train.rows, 0, read_.size(), [&](std::size_t k) { return due.places[k]; },
      [&](std::size_t k, const Sample& sample) { read_[k] = sample; });
  samples_ = read_;
}

/// Samples that are not used form a group of their own, behind the others.
void Dealer::group(const DueSamples::Due& due) {
  const auto ranks = static_cast<uint32_t>(ranks_), none = static_cast<uint32_t>(steps_ * ranks_);
  groups_.resize(samples_.size());
  counts_.assign(none + 1, 0);
  const Divisor world(ranks);
  for (std::size_t k = 0; k < samples_.size(); ++k) {
    const uint32_t owner = world.divide(static_cast<uint32_t>(samples_[k].user)).remainder;  // as ShardMap
    groups_[k] = std::min(due.steps[k] * ranks + owner, none);
    ++counts_[groups_[k]];
  }
  counts_.pop_back();
}

/// Takes from owners with more than their share what then goes to others: the j-th sample that is too many,
/// in the order of owners and numbers, to the j-th place that is left.
void Dealer::share_out(Communicator& comm, std::span<const int64_t> batches) {
  mail_.add_up(comm, counts_, totals_, before_);
  pieces_.clear();
  first_pieces_.clear();
  std::vector<int64_t> places(ranks_ + 1);  // left on the ranks before
  for (std::size_t s = 0; s < steps_; ++s) {
    const auto share = [&](std::size_t r) {
      return granules_.part_size(batches[s], static_cast<int64_t>(r));
    };
    const std::span totals = std::span(totals_).subspan(s * ranks_, ranks_),
                    before = std::span(before_).subspan(s * ranks_, ranks_),
                    counts = std::span(counts_).subspan(s * ranks_, ranks_);
    for (std::size_t r = 0; r < ranks_; ++r)
      places[r + 1] = places[r] + std::max<int64_t>(0, share(r) - totals[r]);
    int64_t too_many = 0;  // of the owners before
    for (std::size_t owner = 0; owner < ranks_; ++owner) {
      const int64_t kept = std::clamp<int64_t>(share(owner) - before[owner], 0, counts[owner]);
      const auto piece = [&](int64_t count, std::size_t rank) {
        if (count > 0) pieces_.push_back({s, rank, static_cast<uint32_t>(count), 0});
      };
      first_pieces_.push_back(pieces_.size());
      piece(kept, owner);
      int64_t j = too_many + before[owner] + kept - share(owner);  // of the first that does not stay
      for (int64_t left = counts[owner] - kept; left > 0;) {
        const auto after = std::ranges::upper_bound(places, j);
        const int64_t fit = std::min(left, *after - j);
        piece(fit, static_cast<std::size_t>(after - places.begin() - 1));
        j += fit;
        left -= fit;
      }
      too_many += std::max<int64_t>(0, totals[owner] - share(owner));
    }
  }
}

/// Puts what goes to each rank, step by step, where it is delivered from.
void Dealer::pack() {
  sent_counts_.assign(ranks_ * steps_, 0);
  for (const Piece& piece : pieces_)
    sent_counts_[piece.rank * steps_ + piece.step] += static_cast<int32_t>(piece.count);
  std::vector<uint32_t> next(sent_counts_.size());
  std::exclusive_scan(sent_counts_.begin(), sent_counts_.end(), next.begin(), uint32_t{0});
  for (Piece& piece : pieces_) {
    piece.to = next[piece.rank * steps_ + piece.step];
    next[piece.rank * steps_ + piece.step] += piece.count;
  }
  place(mail_.room(samples_.size()));
}

/// Every sample to its place among those that are sent, a group's pieces one after the other; those that are
/// not used behind them.
void Dealer::place(std::span<Sample> to) {
  struct Target {
    uint32_t next, left;
    std::size_t next_piece;
  };
  std::vector<Target> targets;
  for (const std::size_t first : first_pieces_) targets.push_back({0, 0, first});
  const auto used = static_cast<uint32_t>(std::accumulate(counts_.begin(), counts_.end(), int64_t{0}));
  targets.push_back({used, UINT32_MAX, 0});
  for (std::size_t k = 0; k < samples_.size(); ++k) {
    Target& target = targets[groups_[k]];
    if (target.left == 0) {
      const Piece& piece = pieces_[target.next_piece++];
      target.next = piece.to;
      target.left = piece.count;
    }
    to[target.next++] = samples_[k];
    --target.left;
  }
}

/// Ranks hold ranges of users: what they send, one after the other, has each user's samples together.
void Dealer::receive(std::span<const int64_t> offsets, SampleColumns& out) const {
  out.resize(static_cast<std::size_t>(offsets.back()));
  std::vector<int64_t> next(offsets.begin(), offsets.end() - 1);
  for (std::size_t r = 0; r < ranks_; ++r) {
    auto sample = mail_.from(r).begin();
    for (std::size_t s = 0; s < steps_; ++s) {
      const auto count = static_cast<std::size_t>(mail_.counts_from(r)[s]);
      const auto to = static_cast<std::size_t>(next[s]);
      for (std::size_t k = 0; k < count; ++k) out.set(to + k, *sample++);
      next[s] += static_cast<int64_t>(count);
    }
  }
}

}  // namespace ncf
