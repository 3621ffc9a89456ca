#pragma once
/// The distinct values of a list, ascending, and for every place of the list which of them it holds: the
/// bookkeeping under every batch.

#include <cstdint>
#include <span>
#include <vector>

namespace ncf {

class UniqueValues {
 public:
  /// Values are below `bound`, which is below 2^31. It takes the least time where values ascend but for a few
  /// pieces of the list: of one `group` each ([0, group), [group, 2·group) and so on), or short ones. Kept
  /// until the next call.
  void find(std::span<const int32_t> values, int64_t bound, int64_t group);

  /// The same of values that are distinct and ascending.
  void set(std::span<const int32_t> ascending);

  std::span<const int32_t> values() const { return values_; }  // ascending
  std::span<const int32_t> slots() const { return slots_; }    // values()[slots()[k]] is the list's k-th

 private:
  /// Places [first, end) of the list, whose values ascend.
  struct Piece {
    std::size_t first, end;
    int32_t lowest, highest;
    std::size_t size() const { return end - first; }
  };
  bool find_in_pieces(std::span<const int32_t> values, int64_t group);
  bool cut(std::span<const int32_t> values, int64_t group);
  void take_keys(std::span<const int32_t> values);
  void find_by_marking(std::span<const int32_t> values, int64_t bound);
  void find_by_sorting(std::span<const int32_t> values, int64_t bound);

  std::vector<int32_t> values_, slots_;
  std::vector<Piece> pieces_;
  std::vector<uint64_t> marks_;  // a bit a possible value
  std::vector<int32_t> before_;  // distinct values below each word of marks_
  std::vector<uint64_t> keys_, scratch_;
};

}  // namespace ncf
