#include "ncf/ingest/known_samples.hpp"

namespace ncf {
namespace {

int32_t row_of(const Vocabulary& known, const Vocabulary& ids, int64_t index) {
  return static_cast<int32_t>(known.find(ids.text(index)) + 1);
}

}  // namespace

Samples known_samples(const Dataset& dataset, const std::vector<uint8_t>& chosen, const Vocabulary& users,
                      const Vocabulary& items, Communicator& comm) {
  const RatingsPart& part = dataset.part;
  std::vector<int32_t> item_rows(static_cast<std::size_t>(dataset.items.size()), -1);  // looked up when met
  Samples samples;
  for (int64_t u = 0; u < part.users(); ++u) {
    const int32_t user = row_of(users, dataset.users, part.first_user + u);
    const auto slot = static_cast<std::size_t>(u);
    for (auto i = static_cast<std::size_t>(part.offsets[slot]);
         i < static_cast<std::size_t>(part.offsets[slot + 1]); ++i) {
      if (!chosen[i]) continue;
      int32_t& item = item_rows[static_cast<std::size_t>(part.items[i])];
      if (item < 0) item = row_of(items, dataset.items, part.items[i]);
      samples.rows.push_back({user, item, part.values[i]});
    }
  }
  samples.first = comm.exclusive_sum(std::ssize(samples.rows));
  samples.total = comm.sum(std::ssize(samples.rows));
  return samples;
}

}  // namespace ncf
