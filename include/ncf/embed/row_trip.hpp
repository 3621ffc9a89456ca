#pragma once
/// One all-to-all of rows by message: what a rank has for another is written row after row, the ranks in
/// their order, and what came from each lies together. What a rank has for itself is not among it.

#include <cstdint>
#include <span>
#include <vector>

#include "ncf/comm/communicator.hpp"
#include "ncf/util/pages.hpp"

namespace ncf {

/// As what a value goes by message: as it is, or rounded to bfloat16, which is half of that.
enum class Wire { fp32, bf16 };

class RowTrip {
 public:
  /// Values that go to each rank and come from it are then to be counted.
  void begin(int ranks, Wire wire);
  void count(std::size_t rank, int64_t sent, int64_t received);
  /// Once they are: room for them. Then as many values as were counted are written, rank after rank.
  void make_room();
  void write(const float* row, int64_t cols);
  /// Collective.
  void make(Communicator& comm);
  /// The next `values` that came from a rank.
  const float* read(std::size_t rank, int64_t values);

 private:
  template <class Word>
  void exchange(Communicator& comm, AlignedVector<Word>& send, AlignedVector<Word>& receive);

  Wire wire_ = Wire::fp32;
  std::vector<int64_t> sent_, received_;  // [ranks], values
  std::size_t written_ = 0;
  AlignedVector<float> send_, receive_;
  AlignedVector<uint16_t> send_rounded_, receive_rounded_;
  std::vector<const float*> next_;  // [ranks], of what came
};

}  // namespace ncf
