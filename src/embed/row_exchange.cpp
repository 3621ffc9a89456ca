#include "ncf/embed/row_exchange.hpp"

#include <algorithm>

namespace ncf {
namespace {

void scale_counts(const std::vector<int64_t>& rows, int64_t cols, std::vector<int64_t>& values) {
  values.resize(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) values[r] = rows[r] * cols;
}

void add_row(int64_t n, const float* __restrict from, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

void RowExchange::find_unique(std::span<const int32_t> ids) {
  // Sorted by (owner, row), so that what goes to a rank is one contiguous part and every list ascends. A key
  // carries the place of its id in its low half: one sort gives order and slots.
  const auto world = static_cast<uint64_t>(shards_.world);
  keys_.resize(ids.size());
  // Owner-major order as one number of 32 bits: a local row is below `span`, and P·span stays below 2^32.
  const uint64_t span = (uint64_t{1} << 31) / world + 1;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto row = static_cast<uint64_t>(ids[k]);
    keys_[k] = ((row % world) * span + row / world) << 32 | k;
  }
  std::sort(keys_.begin(), keys_.end());
  slots_.resize(ids.size());
  unique_.clear();
  unique_counts_.assign(static_cast<std::size_t>(shards_.world), 0);
  uint64_t last = ~uint64_t{0};
  for (const uint64_t key : keys_) {
    const auto place = static_cast<std::size_t>(key & 0xffffffffU);
    if (key >> 32 != last) {
      last = key >> 32;
      unique_.push_back(ids[place]);
      ++unique_counts_[static_cast<std::size_t>(shards_.owner(ids[place]))];
    }
    slots_[place] = static_cast<int32_t>(unique_.size() - 1);
  }
}

void RowExchange::plan(Communicator& comm, std::span<const int32_t> ids) {
  find_unique(ids);
  local_.resize(unique_.size());
  for (std::size_t k = 0; k < unique_.size(); ++k) local_[k] = shards_.local(unique_[k]);
  if (comm.size() == 1) {
    wanted_ = local_;
    wanted_counts_ = unique_counts_;
    owned_ = local_;
    return;
  }
  auto received =
      comm.all_to_all_v(std::span<const int64_t>(local_), std::span<const int64_t>(unique_counts_));
  wanted_ = std::move(received.values);
  wanted_counts_.resize(unique_counts_.size());
  for (std::size_t r = 0; r < wanted_counts_.size(); ++r)
    wanted_counts_[r] = received.offsets[r + 1] - received.offsets[r];
  owned_ = wanted_;
  std::sort(owned_.begin(), owned_.end());
  owned_.erase(std::unique(owned_.begin(), owned_.end()), owned_.end());
  owned_slot_.resize(wanted_.size());
  for (std::size_t k = 0; k < wanted_.size(); ++k)
    owned_slot_[k] =
        static_cast<int32_t>(std::lower_bound(owned_.begin(), owned_.end(), wanted_[k]) - owned_.begin());
}

void RowExchange::gather(Communicator& comm, const Matrix& shard, Matrix& rows) {
  const int64_t cols = shard.cols();
  rows.reshape(unique(), cols);
  const bool alone = comm.size() == 1;
  if (!alone) buffer_.resize(wanted_.size() * static_cast<std::size_t>(cols));
  float* out = alone ? rows.data() : buffer_.data();
  for (std::size_t k = 0; k < wanted_.size(); ++k)
    std::copy_n(shard.row(wanted_[k]), cols, out + static_cast<int64_t>(k) * cols);
  if (alone) return;
  scale_counts(wanted_counts_, cols, send_counts_);
  scale_counts(unique_counts_, cols, receive_counts_);
  comm.all_to_all_v(std::span<const float>(buffer_), std::span<const int64_t>(send_counts_), rows.values(),
                    std::span<const int64_t>(receive_counts_));
}

void RowExchange::return_sum(Communicator& comm, const Matrix& gradients, Matrix& sums) {
  const int64_t cols = gradients.cols();
  sums.reshape(static_cast<int64_t>(owned_.size()), cols);
  if (comm.size() == 1) {  // unique rows are the owned rows, in the same order
    std::copy_n(gradients.data(), sums.values().size(), sums.data());
    return;
  }
  buffer_.resize(wanted_.size() * static_cast<std::size_t>(cols));
  scale_counts(unique_counts_, cols, send_counts_);
  scale_counts(wanted_counts_, cols, receive_counts_);
  comm.all_to_all_v(gradients.values(), std::span<const int64_t>(send_counts_), std::span<float>(buffer_),
                    std::span<const int64_t>(receive_counts_));
  sums.fill(0);
  for (std::size_t k = 0; k < wanted_.size(); ++k)
    add_row(cols, buffer_.data() + static_cast<int64_t>(k) * cols, sums.row(owned_slot_[k]));
}

}  // namespace ncf
