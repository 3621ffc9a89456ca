#pragma once
// Configurations and batches of a model that is learnt in no time, for the tests of train/learner.

#include "ncf/train/learner.hpp"
#include "ncf/util/random.hpp"

namespace ncf {

inline constexpr int64_t users = 23, items = 37, steps = 40;

inline Config config_for(ModelKind kind, bool batch_norm, EmbeddingUpdate embedding_update, double dropout) {
  Config c;
  c.model.kind = kind;
  c.model.hidden = {16, 8};
  c.model.embedding_dim = {6, 6};
  c.model.y_range = std::vector<double>{0, 5.5};
  c.model.batch_norm = batch_norm;
  c.model.dropout = {dropout};
  c.model.embedding_dropout = dropout;
  c.train.batch_size = 24;
  c.train.micro_batch = 5;
  c.train.weight_decay = 0.1;
  c.train.embedding_update = embedding_update;
  return c;
}

/// The columns of a global batch; a rank's part is a slice of them.
struct Columns {
  std::vector<int32_t> u, i;
  std::vector<float> r;
  Columns(int64_t step, int64_t samples) {
    for (int64_t k = 0; k < samples; ++k) {
      const auto draw = [&](uint64_t what, int64_t bound) {
        return static_cast<int32_t>(random_below(static_cast<uint64_t>(bound), 3, Purpose::synthetic,
                                                 static_cast<uint64_t>(step),
                                                 static_cast<uint64_t>(k) * 8 + what));
      };
      u.push_back(draw(0, users));
      i.push_back(draw(1, items));
      r.push_back(static_cast<float>(1 + (u.back() + i.back()) % 5));
    }
  }
  EpochSamples::Part part(const Granules& granules, int64_t rank, int64_t step) const {
    const int64_t batch = std::ssize(u), first = granules.part(batch, rank),
                  granule = granules.subtree(rank) * granules.a_rank();
    const auto f = static_cast<std::size_t>(first),
               n = static_cast<std::size_t>(granules.part_size(batch, rank));
    EpochSamples::Part out{std::span(u).subspan(f, n),
                           std::span(i).subspan(f, n),
                           std::span(r).subspan(f, n),
                           step * batch + first,
                           batch,
                           {}};
    for (int64_t g = 0; g <= granules.a_rank(); ++g)
      out.bounds.push_back(granules.sample(batch, granule + g) - first);
    return out;
  }
};

}  // namespace ncf
