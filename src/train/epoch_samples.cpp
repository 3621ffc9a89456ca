#include "ncf/train/epoch_samples.hpp"

#include "ncf/data/permutation.hpp"

namespace ncf {
namespace {

/// A sample on its way to the rank that trains on it. `place` is its place among that rank's samples of the
/// epoch.
struct Travelling {
  int64_t place;
  Sample sample;
};

/// The rank whose part of a batch holds this place.
int64_t rank_of(const Granules& granules, int64_t place, int64_t batch) {
  const auto start = [&](int64_t subtree) { return granules.sample(batch, subtree * granules.a_rank()); };
  int64_t subtree = std::min(granules.world - 1, place * granules.world / batch);
  while (start(subtree) > place) --subtree;
  while (start(subtree + 1) <= place) ++subtree;
  return granules.rank_of_subtree(subtree);
}

/// Samples of a rank before a step.
int64_t before(const EpochShape& shape, const Granules& granules, int64_t step, int64_t rank) {
  const int64_t whole = std::min(step, shape.total / shape.batch_size);
  return whole * granules.part_size(shape.batch_size, rank) +
         (step > whole ? granules.part_size(shape.batch(whole), rank) : 0);
}

}  // namespace

void EpochSamples::fetch(Communicator& comm, const Samples& train, int64_t epoch) {
  rank_ = comm.rank();
  const auto world = static_cast<std::size_t>(comm.size());
  const Permutation order(static_cast<uint64_t>(shape_.total), seed_, Purpose::epoch_order,
                          static_cast<uint64_t>(epoch));
  const int64_t steps = shape_.steps();

  std::vector<Travelling> outgoing;
  std::vector<int32_t> destination;
  std::vector<int64_t> counts(world, 0);
  outgoing.reserve(train.rows.size());
  destination.reserve(train.rows.size());
  for (std::size_t k = 0; k < train.rows.size(); ++k) {
    const auto position = static_cast<int64_t>(order.forward(static_cast<uint64_t>(train.first) + k));
    const int64_t step = position / shape_.batch_size;
    if (step >= steps) continue;  // the incomplete batch that drop_last leaves out
    const int64_t batch = shape_.batch(step), in_batch = position % shape_.batch_size;
    const int64_t rank = world == 1 ? 0 : rank_of(granules_, in_batch, batch);
    outgoing.push_back(
        {before(shape_, granules_, step, rank) + in_batch - granules_.part(batch, rank), train.rows[k]});
    destination.push_back(static_cast<int32_t>(rank));
    ++counts[static_cast<std::size_t>(rank)];
  }
  if (world > 1) {  // group by destination
    std::vector<int64_t> at(world, 0);
    for (std::size_t r = 1; r < world; ++r) at[r] = at[r - 1] + counts[r - 1];
    std::vector<Travelling> grouped(outgoing.size());
    for (std::size_t k = 0; k < outgoing.size(); ++k)
      grouped[static_cast<std::size_t>(at[static_cast<std::size_t>(destination[k])]++)] = outgoing[k];
    outgoing =
        comm.all_to_all_v(std::span<const Travelling>(grouped), std::span<const int64_t>(counts)).values;
  }

  step_offsets_.resize(static_cast<std::size_t>(steps) + 1);
  for (int64_t s = 0; s <= steps; ++s)
    step_offsets_[static_cast<std::size_t>(s)] = before(shape_, granules_, s, rank_);
  users_.resize(outgoing.size());
  items_.resize(outgoing.size());
  ratings_.resize(outgoing.size());
  for (const Travelling& t : outgoing) {
    const auto k = static_cast<std::size_t>(t.place);
    users_[k] = t.sample.user;
    items_[k] = t.sample.item;
    ratings_[k] = t.sample.rating;
  }
}

EpochSamples::Part EpochSamples::part(int64_t step) const {
  const auto first = static_cast<std::size_t>(step_offsets_[static_cast<std::size_t>(step)]);
  const auto count = static_cast<std::size_t>(step_offsets_[static_cast<std::size_t>(step) + 1]) - first;
  const int64_t batch = shape_.batch(step);
  Part out{std::span(users_).subspan(first, count),
           std::span(items_).subspan(first, count),
           std::span(ratings_).subspan(first, count),
           step * shape_.batch_size + granules_.part(batch, rank_),
           batch,
           {}};
  const int64_t first_granule = granules_.subtree(rank_) * granules_.a_rank();
  for (int64_t g = 0; g <= granules_.a_rank(); ++g)
    out.bounds.push_back(granules_.sample(batch, first_granule + g) - granules_.part(batch, rank_));
  return out;
}

}  // namespace ncf
