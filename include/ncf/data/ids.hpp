#pragma once
/// Ids on their way from text to a vocabulary.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ncf/data/vocabulary.hpp"

namespace ncf {

/// The value of a canonical decimal integer (see Vocabulary): the texts that survive a round trip. "007",
/// "+7", "-0" and what does not fit int64 are not.
std::optional<int64_t> canonical_integer(std::string_view text);

/// A vocabulary of these ids, given in any order and repeated or not. Strings are kept as strings.
/// Error{data} when there are more than a table can have rows (2^31 - 2).
Vocabulary make_vocabulary(std::vector<int64_t> ids);
Vocabulary make_vocabulary(std::vector<std::string> ids);

/// Distinct ids in the order of their first appearance, numbered from 0. Integers take a path without
/// hashing.
class IdSet {
 public:
  /// The number of this id, a new one when it was not seen before.
  int32_t add(std::string_view id);

  int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  bool all_integers() const { return texts_.empty(); }
  /// All ids by number. integers() only when all_integers().
  std::vector<int64_t> integers() const;
  std::vector<std::string> texts() const;
  /// For each number, the index of its id in a vocabulary that has them all.
  std::vector<int32_t> indices_in(const Vocabulary& vocabulary) const;

 private:
  static constexpr int64_t direct_limit = 1
                                          << 22;  // smaller integers are looked up in a table: at most 16 MB
  struct Entry {
    int64_t integer;
    const std::string* text;  // null: an integer
  };
  int32_t append(Entry entry);

  std::vector<Entry> entries_;
  std::vector<int32_t> direct_;  // number + 1, 0: unseen
  std::unordered_map<int64_t, int32_t> integers_;
  std::unordered_map<std::string_view, int32_t> by_text_;  // keys point into texts_, whose strings never move
  std::deque<std::string> texts_;
};

}  // namespace ncf
