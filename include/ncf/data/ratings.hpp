#pragma once
/// What the layers above see of a data set: a rank's contiguous range of users in CSR form, and the samples
/// of the training and validation parts made from it.

#include <cstdint>
#include <string>
#include <vector>

#include "ncf/data/vocabulary.hpp"
#include "ncf/util/pages.hpp"

namespace ncf {

/// This rank's users and all their ratings; (user, item) pairs are unique, items ascend within a user.
/// The canonical row number of a rating is its place in the whole data set in this order: first_row + its
/// index here. It does not depend on the file format or on the number of ranks.
struct RatingsPart {
  int64_t first_user = 0;        // data set index (0-based, vocabulary order) of the first user here
  std::vector<int64_t> offsets;  // [users here + 1], from 0
  std::vector<int32_t> items;    // data set index
  std::vector<float> values;
  std::vector<int64_t> times;  // seconds; empty when the data set has none
  std::vector<uint8_t> valid;  // split `given`: 1 for validation rows; empty otherwise
  int64_t first_row = 0;

  int64_t users() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t rows() const { return static_cast<int64_t>(items.size()); }
};

/// A whole data set as one rank holds it: all ids, its own ratings.
struct Dataset {
  Vocabulary users;
  Vocabulary items;
  int64_t total_rows = 0;
  RatingsPart part;
  int64_t repeated_pairs = 0;  // rows merged away, over all ranks
  std::string source;          // for messages: the path, or "synthetic"
  bool from_text = false;      // lines were parsed, which a prepared data set spares
};

/// One rating as the model sees it. Rows are model rows: 0 is "unknown", ids of the vocabulary are 1..n.
struct Sample {
  int32_t user = 0;
  int32_t item = 0;
  float rating = 0;
};

/// The input of training: model vocabularies, and this rank's contiguous ranges of both parts in canonical
/// order.
struct Samples {
  AlignedVector<Sample> rows;
  int64_t first = 0;  // number of rows[0] among all ranks' rows of this part
  int64_t total = 0;  // over all ranks
};

struct TrainingData {
  Vocabulary users;  // model row = index + 1
  Vocabulary items;
  Samples train;
  Samples valid;
};

}  // namespace ncf
