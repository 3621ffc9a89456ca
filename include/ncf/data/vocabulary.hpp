#pragma once
/// The ids of one side (users or items) as the user wrote them, in index order.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ncf {

/// Ids sorted without repeats. When every id is a canonical decimal integer (no sign but a leading minus, no
/// leading zeros, fits int64) they are kept as integers and sorted by value; otherwise as strings, sorted by
/// bytes.
struct Vocabulary {
  std::variant<std::vector<int64_t>, std::vector<std::string>> ids;

  int64_t size() const;
  bool integers() const { return ids.index() == 0; }
  /// The id at `index` in [0, size()) as text.
  std::string text(int64_t index) const;
  /// The index of an id, or -1.
  int64_t find(std::string_view id) const;
  /// The ids at these indices (ascending), as a vocabulary of its own.
  Vocabulary subset(const std::vector<int32_t>& indices) const;
};

}  // namespace ncf
