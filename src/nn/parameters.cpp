#include "ncf/nn/parameters.hpp"

#include <algorithm>
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
  set_granules(granules_);
  segments_.push_back(std::move(s));
  return segments_.size() - 1;
}

void DenseParameters::set_granules(int64_t granules) {
  granules_ = std::max<int64_t>(1, granules);
  gradients_.assign(static_cast<std::size_t>(granules_ * gradient_stride()), 0.0F);
}

void DenseParameters::keep_gradients_in(std::span<float> elsewhere) {
  elsewhere_ = elsewhere.data();
  gradients_ = {};
}

void DenseParameters::clear_gradients_but(std::size_t segment) {
  const Segment& s = segments_[segment];
  for (int64_t g = 0; g < granules_; ++g) {
    const std::span<float> all = gradients(g);
    std::fill_n(all.begin(), s.offset, 0.0F);
    std::fill(all.begin() + s.offset + s.size, all.end(), 0.0F);
  }
}

int64_t DenseParameters::count() const {
  int64_t total = 0;
  for (const Segment& s : segments_)
    if (s.trained) total += s.size;
  return total;
}

}  // namespace ncf
