#include "ncf/nn/parameters.hpp"

#include <functional>
#include <numeric>

namespace ncf {

std::size_t DenseParameters::add(std::string path, std::vector<int64_t> shape, bool decays, bool trained) {
  Segment s{.path = std::move(path), .shape = std::move(shape), .decays = decays, .trained = trained};
  s.size = std::accumulate(s.shape.begin(), s.shape.end(), int64_t{1}, std::multiplies<>());
  s.offset = static_cast<int64_t>(values_.size());
  const std::size_t padded = static_cast<std::size_t>((s.offset + s.size + 15) / 16 * 16);
  values_.resize(padded);
  first_moments_.resize(padded);
  second_moments_.resize(padded);
  gradients_.assign(padded + 1, 0.0F);
  segments_.push_back(std::move(s));
  return segments_.size() - 1;
}

int64_t DenseParameters::count() const {
  int64_t total = 0;
  for (const Segment& s : segments_)
    if (s.trained) total += s.size;
  return total;
}

}  // namespace ncf
