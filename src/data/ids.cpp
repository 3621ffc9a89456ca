#include "ncf/data/ids.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "ncf/util/error.hpp"

namespace ncf {
namespace {

constexpr int64_t most_ids = std::numeric_limits<int32_t>::max() - 1;  // row 0 is "unknown"

template <class T>
Vocabulary sorted_vocabulary(std::vector<T> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (std::ssize(ids) > most_ids)
    throw Error(ErrorKind::data, std::to_string(ids.size()) + " different ids; at most " +
                                     std::to_string(most_ids) + " users or items are supported");
  return {std::move(ids)};
}

}  // namespace

std::optional<int64_t> canonical_integer(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return std::nullopt;
  int64_t value = 0;
  if (digits.size() <= 18) {  // cannot overflow
    for (const char c : digits) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    return negative ? -value : value;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Vocabulary make_vocabulary(std::vector<int64_t> ids) {
  return sorted_vocabulary(std::move(ids));
}

Vocabulary make_vocabulary(std::vector<std::string> ids) {
  return sorted_vocabulary(std::move(ids));
}

int32_t IdSet::append(Entry entry) {
  if (size() >= most_ids)
    throw Error(ErrorKind::data, "more than " + std::to_string(most_ids) + " different users or items");
  entries_.push_back(entry);
  return static_cast<int32_t>(entries_.size() - 1);
}

int32_t IdSet::add(std::string_view id) {
  if (const auto integer = canonical_integer(id)) {
    if (*integer >= 0 && *integer < direct_limit) {
      const auto slot = static_cast<std::size_t>(*integer);
      if (slot >= direct_.size()) direct_.resize(std::max(slot + 1, direct_.size() * 2));
      if (direct_[slot] == 0) direct_[slot] = append({*integer, nullptr}) + 1;
      return direct_[slot] - 1;
    }
    const auto [at, fresh] = integers_.try_emplace(*integer, 0);
    if (fresh) at->second = append({*integer, nullptr});
    return at->second;
  }
  if (const auto at = by_text_.find(id); at != by_text_.end()) return at->second;
  const std::string& text = texts_.emplace_back(id);
  const int32_t number = append({0, &text});
  by_text_.emplace(text, number);
  return number;
}

std::vector<int64_t> IdSet::integers() const {
  std::vector<int64_t> all;
  all.reserve(entries_.size());
  for (const Entry& e : entries_) all.push_back(e.integer);
  return all;
}

std::vector<std::string> IdSet::texts() const {
  std::vector<std::string> all;
  all.reserve(entries_.size());
  for (const Entry& e : entries_) all.push_back(e.text ? *e.text : std::to_string(e.integer));
  return all;
}

std::vector<int32_t> IdSet::indices_in(const Vocabulary& vocabulary) const {
  const auto* integers = std::get_if<std::vector<int64_t>>(&vocabulary.ids);
  std::vector<int32_t> indices;
  indices.reserve(entries_.size());
  for (const Entry& e : entries_) {
    if (integers && !e.text) {
      const auto at = std::lower_bound(integers->begin(), integers->end(), e.integer);
      indices.push_back(static_cast<int32_t>(at - integers->begin()));
    } else {
      indices.push_back(static_cast<int32_t>(vocabulary.find(e.text ? *e.text : std::to_string(e.integer))));
    }
  }
  return indices;
}

}  // namespace ncf
