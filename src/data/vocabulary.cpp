#include "ncf/data/vocabulary.hpp"

#include <algorithm>

#include "ncf/data/ids.hpp"

namespace ncf {
namespace {

template <class T, class Key>
int64_t index_of(const std::vector<T>& sorted, const Key& key) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), key);
  return at != sorted.end() && *at == key ? at - sorted.begin() : -1;
}

}  // namespace

int64_t Vocabulary::size() const {
  return std::visit([](const auto& v) { return std::ssize(v); }, ids);
}

std::string Vocabulary::text(int64_t index) const {
  const auto at = static_cast<std::size_t>(index);
  if (integers()) return std::to_string(std::get<0>(ids).at(at));
  return std::get<1>(ids).at(at);
}

int64_t Vocabulary::find(std::string_view id) const {
  if (!integers()) return index_of(std::get<1>(ids), id);
  const auto integer = canonical_integer(id);
  return integer ? index_of(std::get<0>(ids), *integer) : -1;
}

Vocabulary Vocabulary::subset(const std::vector<int32_t>& indices) const {
  return std::visit(
      [&](const auto& v) {
        std::decay_t<decltype(v)> chosen;
        chosen.reserve(indices.size());
        for (const int32_t index : indices) chosen.push_back(v.at(static_cast<std::size_t>(index)));
        return Vocabulary{std::move(chosen)};
      },
      ids);
}

}  // namespace ncf
