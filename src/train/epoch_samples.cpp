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

/// The rank whose part of a batch holds this place: the inverse of EpochShape::part.
int64_t rank_of(int64_t place, int64_t batch, int64_t world) {
  int64_t rank = std::min(world - 1, place * world / batch);
  while (EpochShape::part(batch, rank, world) > place) --rank;
  while (EpochShape::part(batch, rank + 1, world) <= place) ++rank;
  return rank;
}

/// Samples of a rank before a step.
int64_t before(const EpochShape& shape, int64_t step, int64_t rank, int64_t world) {
  const int64_t whole = std::min(step, shape.total / shape.batch_size);
  const auto share = [&](int64_t batch) {
    return EpochShape::part(batch, rank + 1, world) - EpochShape::part(batch, rank, world);
  };
  return whole * share(shape.batch_size) + (step > whole ? share(shape.batch(whole)) : 0);
}

}  // namespace

void EpochSamples::fetch(Communicator& comm, const Samples& train, int64_t epoch) {
  rank_ = comm.rank();
  world_ = comm.size();
  const auto world = static_cast<std::size_t>(world_);
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
    const int64_t rank = world_ == 1 ? 0 : rank_of(in_batch, batch, world_);
    outgoing.push_back({before(shape_, step, rank, world_) + in_batch - EpochShape::part(batch, rank, world_),
                        train.rows[k]});
    destination.push_back(static_cast<int32_t>(rank));
    ++counts[static_cast<std::size_t>(rank)];
  }
  if (world_ > 1) {  // group by destination
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
    step_offsets_[static_cast<std::size_t>(s)] = before(shape_, s, rank_, world_);
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
  return {std::span(users_).subspan(first, count), std::span(items_).subspan(first, count),
          std::span(ratings_).subspan(first, count),
          step * shape_.batch_size + EpochShape::part(batch, rank_, world_), batch};
}

}  // namespace ncf
