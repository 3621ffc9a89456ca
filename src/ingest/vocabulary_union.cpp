#include "ncf/ingest/vocabulary_union.hpp"

#define XXH_INLINE_ALL  // header only
#include <xxhash.h>

#include <algorithm>

#include "ncf/comm/agreement.hpp"

namespace ncf {
namespace {

uint64_t hash_of(int64_t id) {
  return XXH3_64bits(&id, sizeof(id));
}
uint64_t hash_of(const std::string& id) {
  return XXH3_64bits(id.data(), id.size());
}

/// The ids in order of the rank that is home to them; `counts[r]` of them for rank r.
template <class T>
std::vector<T> by_home(std::vector<T> ids, std::vector<int64_t>& counts) {
  const auto home = [&](const T& id) { return static_cast<std::size_t>(hash_of(id) % counts.size()); };
  for (const T& id : ids) ++counts[home(id)];
  std::vector<int64_t> next(counts.size());
  for (std::size_t r = 1; r < next.size(); ++r) next[r] = next[r - 1] + counts[r - 1];
  std::vector<T> ordered(ids.size());
  for (T& id : ids) ordered[static_cast<std::size_t>(next[home(id)]++)] = std::move(id);
  return ordered;
}

template <class T>
std::vector<T> distinct(std::vector<T> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

/// Strings as they travel: their lengths, and their characters one after another.
struct Packed {
  std::vector<int64_t> lengths;
  std::vector<char> characters;

  void append(const std::string& text) {
    lengths.push_back(std::ssize(text));
    characters.insert(characters.end(), text.begin(), text.end());
  }
  std::vector<std::string> unpacked() const {
    std::vector<std::string> texts;
    texts.reserve(lengths.size());
    auto at = characters.begin();
    for (const int64_t length : lengths) {
      texts.emplace_back(at, at + length);
      at += length;
    }
    return texts;
  }
};

/// Sends each id to its home. Collective.
std::vector<int64_t> exchanged(std::vector<int64_t> ids, Communicator& comm) {
  std::vector<int64_t> counts(static_cast<std::size_t>(comm.size()));
  const std::vector<int64_t> send = by_home(std::move(ids), counts);
  return comm.all_to_all_v(std::span<const int64_t>(send), std::span<const int64_t>(counts)).values;
}

std::vector<std::string> exchanged(std::vector<std::string> ids, Communicator& comm) {
  std::vector<int64_t> counts(static_cast<std::size_t>(comm.size())), character_counts(counts.size());
  const std::vector<std::string> ordered = by_home(std::move(ids), counts);
  Packed send;
  for (std::size_t r = 0, i = 0; r < counts.size(); ++r)
    for (int64_t n = 0; n < counts[r]; ++n, ++i) {
      send.append(ordered[i]);
      character_counts[r] += send.lengths.back();
    }
  return Packed{
      comm.all_to_all_v(std::span<const int64_t>(send.lengths), std::span<const int64_t>(counts)).values,
      comm.all_to_all_v(std::span<const char>(send.characters), std::span<const int64_t>(character_counts))
          .values}
      .unpacked();
}

/// Everybody's ids. Collective.
std::vector<int64_t> gathered(const std::vector<int64_t>& ids, Communicator& comm) {
  return comm.all_gather_v(std::span<const int64_t>(ids)).values;
}

std::vector<std::string> gathered(const std::vector<std::string>& ids, Communicator& comm) {
  Packed mine;
  for (const std::string& id : ids) mine.append(id);
  return Packed{comm.all_gather_v(std::span<const int64_t>(mine.lengths)).values,
                comm.all_gather_v(std::span<const char>(mine.characters)).values}
      .unpacked();
}

template <class T>
Vocabulary union_of(std::vector<T> ids, Communicator& comm) {
  std::vector<T> all = gathered(distinct(exchanged(std::move(ids), comm)), comm);
  return agreed(comm, [&] { return make_vocabulary(std::move(all)); });
}

}  // namespace

Vocabulary vocabulary_union(const IdSet& mine, Communicator& comm) {
  const bool integers = comm.sum(int64_t{mine.all_integers() ? 0 : 1}) == 0;
  return integers ? union_of(mine.integers(), comm) : union_of(mine.texts(), comm);
}

}  // namespace ncf
