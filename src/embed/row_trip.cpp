#include "ncf/embed/row_trip.hpp"

#include <algorithm>
#include <numeric>

#include "ncf/util/bfloat16.hpp"

namespace ncf {
namespace {

template <class Word>
void grow(AlignedVector<Word>& buffer, std::size_t values) {
  if (buffer.size() < values) buffer.resize(values);
}

std::size_t total(std::span<const int64_t> counts) {
  return static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
}

}  // namespace

void RowTrip::begin(int ranks, Wire wire) {
  wire_ = wire;
  sent_.assign(static_cast<std::size_t>(ranks), 0);
  received_.assign(sent_.size(), 0);
  written_ = 0;
}

void RowTrip::count(std::size_t rank, int64_t sent, int64_t received) {
  sent_[rank] += sent;
  received_[rank] += received;
}

void RowTrip::make_room() {
  const std::size_t sent = total(sent_), received = total(received_);
  wire_ == Wire::fp32 ? grow(send_, sent) : grow(send_rounded_, sent);
  grow(receive_, received);
  if (wire_ == Wire::bf16) grow(receive_rounded_, received);
}

void RowTrip::write(const float* row, int64_t cols) {
  wire_ == Wire::fp32 ? void(std::copy_n(row, cols, send_.data() + written_))
                      : to_bfloat16(row, cols, send_rounded_.data() + written_);
  written_ += static_cast<std::size_t>(cols);
}

template <class Word>
void RowTrip::exchange(Communicator& comm, AlignedVector<Word>& send, AlignedVector<Word>& receive) {
  comm.all_to_all_v(std::span<const Word>(send.data(), written_), std::span<const int64_t>(sent_),
                    std::span<Word>(receive.data(), total(received_)), std::span<const int64_t>(received_));
}

void RowTrip::make(Communicator& comm) {
  if (wire_ == Wire::fp32) {
    exchange(comm, send_, receive_);
  } else {
    exchange(comm, send_rounded_, receive_rounded_);
    from_bfloat16(receive_rounded_.data(), static_cast<int64_t>(total(received_)), receive_.data());
  }
  next_.resize(received_.size());
  const float* at = receive_.data();
  for (std::size_t r = 0; r < next_.size(); ++r) {
    next_[r] = at;
    at += received_[r];
  }
}

const float* RowTrip::read(std::size_t rank, int64_t values) {
  const float* const first = next_[rank];
  next_[rank] += values;
  return first;
}

}  // namespace ncf
