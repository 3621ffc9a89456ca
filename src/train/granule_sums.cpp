#include "ncf/train/granule_sums.hpp"

#include <algorithm>

namespace ncf {
namespace {

/// The terms of one block: this rank's granules in it. `part(g)` is where local granule g's values are.
template <class T, class Part>
std::vector<Term<T>> terms_of(const Block& block, int64_t first_granule, Part part) {
  std::vector<Term<T>> out;
  for (int64_t g = block.first; g < block.first + block.count; ++g)
    out.push_back({{g, 1}, part(g - first_granule)});
  return out;
}

}  // namespace

GranuleSums::GranuleSums(Granules granules, int64_t rank)
    : granules_(granules), rank_(static_cast<std::size_t>(rank)) {
  for (int64_t r = 0; r < granules.world; ++r) {
    blocks_.push_back(granules.blocks(r));
    rounds_ = std::max(rounds_, blocks_.back().size());
  }
  block_sums_.resize(blocks_[rank_].size());
}

void GranuleSums::gradients(Communicator& comm, DenseParameters& parameters) {
  const std::span<float> total = parameters.gradients(0);
  if (!granules_.fixed_order) return comm.all_reduce_sum(total);
  const auto n = static_cast<int64_t>(total.size());
  std::vector<const float*> sums;  // of this rank's blocks
  for (std::size_t b = 0; b < blocks(rank_).size(); ++b) {
    const auto terms = terms_of<float>(blocks(rank_)[b], granules_.first(static_cast<int64_t>(rank_)),
                                       [&](int64_t g) { return parameters.gradients(g).data(); });
    block_sums_[b].resize(total.size());
    sums.push_back(floats_.sum(terms, blocks(rank_)[b], n, block_sums_[b].data()));
  }
  if (comm.size() > 1) return exchange_slices(comm, sums, total);
  if (sums[0] != total.data()) std::copy_n(sums[0], n, total.data());
}

void GranuleSums::exchange_slices(Communicator& comm, std::span<const float* const> sums,
                                  std::span<float> total) {
  const auto world = static_cast<std::size_t>(comm.size());
  const std::size_t slice = (total.size() + world - 1) / world;
  const auto bound = [&](std::size_t r) { return std::min(total.size(), r * slice); };
  const std::size_t mine = bound(rank_ + 1) - bound(rank_);
  std::vector<int64_t> send(world), receive(world);
  received_.resize(rounds_);
  for (std::size_t round = 0; round < rounds_; ++round) {
    const bool sends = round < sums.size();
    int64_t incoming = 0;
    for (std::size_t r = 0; r < world; ++r) {
      send[r] = sends ? static_cast<int64_t>(bound(r + 1) - bound(r)) : 0;
      receive[r] = round < blocks(r).size() ? static_cast<int64_t>(mine) : 0;
      incoming += receive[r];
    }
    received_[round].resize(static_cast<std::size_t>(incoming));
    comm.all_to_all_v(sends ? std::span<const float>(sums[round], total.size()) : std::span<const float>(),
                      std::span<const int64_t>(send), std::span<float>(received_[round]),
                      std::span<const int64_t>(receive));
  }
  std::vector<Term<float>> terms;
  std::vector<std::size_t> at(rounds_, 0);
  for (std::size_t r = 0; r < world; ++r)
    for (std::size_t b = 0; b < blocks(r).size(); ++b) {
      terms.push_back({blocks(r)[b], received_[b].data() + at[b]});
      at[b] += mine;
    }
  slice_.resize(slice);  // the last ranks' slices may be shorter: what follows is not read
  const float* sum = floats_.sum(terms, {0, granules_.leaves()}, static_cast<int64_t>(mine), slice_.data());
  if (sum != slice_.data()) std::copy_n(sum, mine, slice_.data());
  gathered_.resize(world * slice);
  comm.all_gather(std::span<const float>(slice_), std::span<float>(gathered_));
  std::copy_n(gathered_.data(), total.size(), total.data());
}

void GranuleSums::statistics(Communicator& comm, std::span<const double> parts, std::span<double> total) {
  const auto n = static_cast<int64_t>(total.size());
  if (!granules_.fixed_order) {  // one granule a rank
    std::ranges::copy(parts, total.begin());
    return comm.all_reduce_sum(total);
  }
  std::vector<double> mine(blocks(rank_).size() * total.size());
  for (std::size_t b = 0; b < blocks(rank_).size(); ++b) {
    const auto terms = terms_of<double>(blocks(rank_)[b], granules_.first(static_cast<int64_t>(rank_)),
                                        [&](int64_t g) { return parts.data() + g * n; });
    double* out = mine.data() + static_cast<int64_t>(b) * n;
    const double* sum = doubles_.sum(terms, blocks(rank_)[b], n, out);
    if (sum != out) std::copy_n(sum, n, out);
  }
  const auto all = comm.all_gather_v(std::span<const double>(mine));
  std::vector<Term<double>> terms;
  const double* at = all.values.data();
  for (const auto& of_rank : blocks_)
    for (const Block& block : of_rank) {
      terms.push_back({block, at});
      at += n;
    }
  const double* sum = doubles_.sum(terms, {0, granules_.leaves()}, n, total.data());
  if (sum != total.data()) std::copy_n(sum, n, total.data());
}

}  // namespace ncf
