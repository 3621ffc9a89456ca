#pragma once
/// All dense parameters of a model in one arena: values, gradients and both moments are contiguous, so that
/// synchronising is one all-reduce, the optimiser one loop, the checkpoint a few data sets.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ncf/util/matrix.hpp"

namespace ncf {

struct Segment {
  std::string path;  ///< as in the checkpoint: "/mlp/0/weight"
  std::vector<int64_t> shape;
  int64_t offset = 0;  ///< first element in the arena; a multiple of 16
  int64_t size = 0;
  bool decays = true;   ///< weight decay applies
  bool trained = true;  ///< false: kept and saved, but never moved by the optimiser (running statistics)
};

class DenseParameters {
 public:
  /// Adds a segment of zeros and returns its number. Invalidates earlier spans and views.
  std::size_t add(std::string path, std::vector<int64_t> shape, bool decays, bool trained = true);

  const std::vector<Segment>& segments() const { return segments_; }
  /// Number of trained values (padding not counted).
  int64_t count() const;

  std::span<float> value(std::size_t segment) { return part(values_, segment); }
  std::span<const float> value(std::size_t segment) const {
    const Segment& s = segments_[segment];
    return {values_.data() + s.offset, static_cast<std::size_t>(s.size)};
  }
  /// Gradients are kept a granule (granules.hpp): each sums its own samples, and sums over granules follow.
  std::span<float> gradient(std::size_t segment, int64_t granule = 0) {
    const Segment& s = segments_[segment];
    return {gradients() + granule * gradient_stride() + s.offset, static_cast<std::size_t>(s.size)};
  }
  std::span<float> first_moment(std::size_t segment) { return part(first_moments_, segment); }
  std::span<float> second_moment(std::size_t segment) { return part(second_moments_, segment); }
  /// A segment of two dimensions as a matrix.
  MatrixView matrix(std::size_t segment) { return as_matrix(values_, segment); }
  MatrixView gradient_matrix(std::size_t segment, int64_t granule = 0) {
    const Segment& s = segments_[segment];
    return {gradient(segment, granule).data(), s.shape.at(0), s.shape.at(1)};
  }
  /// A segment's gradients of all granules: [granules × size].
  MatrixView gradient_rows(std::size_t segment) {
    return {gradient(segment).data(), granules_, segments_[segment].size, gradient_stride()};
  }

  /// How many granules this rank computes; at least one is kept. Clears the gradients.
  void set_granules(int64_t granules);
  /// From now on gradients stand there, in memory that others read: as many as gradient_values(), all zeros.
  /// Not to be followed by set_granules() or add().
  void keep_gradients_in(std::span<float> elsewhere);
  int64_t gradient_values() const { return granules_ * gradient_stride(); }
  int64_t granules() const { return granules_; }
  /// All gradients of a granule, padding included, and one more value that travels with them: the step's
  /// loss, so that every rank sees a loss that is not finite at once.
  std::span<float> gradients(int64_t granule) {
    return {gradients() + granule * gradient_stride(), static_cast<std::size_t>(gradient_stride())};
  }
  float& loss(int64_t granule = 0) { return gradients(granule)[values_.size()]; }
  void clear_gradients() { std::fill_n(gradients(), gradient_values(), 0.0F); }
  /// All but those of one segment.
  void clear_gradients_but(std::size_t segment);

  /// The sum of the gradients over the granules of all ranks (granule_sums.hpp): as it is, or as two terms
  /// that whoever uses it adds up, else null.
  struct Total {
    const float *first = nullptr, *second = nullptr;
  };
  /// Of all gradients.
  void set_total(Total all) { total_ = all; }
  Total total(std::size_t segment) const {
    const int64_t at = segments_[segment].offset;
    return {total_.first + at, total_.second == nullptr ? nullptr : total_.second + at};
  }
  float total_loss() const {
    return total_.first[values_.size()] + (total_.second == nullptr ? 0.0F : total_.second[values_.size()]);
  }

 private:
  std::span<float> part(AlignedVector<float>& of, std::size_t segment) {
    const Segment& s = segments_[segment];
    return {of.data() + s.offset, static_cast<std::size_t>(s.size)};
  }
  MatrixView as_matrix(AlignedVector<float>& of, std::size_t segment) {
    const Segment& s = segments_[segment];
    return {of.data() + s.offset, s.shape.at(0), s.shape.at(1)};
  }

  float* gradients() { return elsewhere_ != nullptr ? elsewhere_ : gradients_.data(); }
  int64_t gradient_stride() const { return static_cast<int64_t>(values_.size()) + 16; }

  std::vector<Segment> segments_;
  int64_t granules_ = 1;
  AlignedVector<float> values_, first_moments_, second_moments_;
  AlignedVector<float> gradients_ = AlignedVector<float>(16);
  float* elsewhere_ = nullptr;
  Total total_;
};

}  // namespace ncf
