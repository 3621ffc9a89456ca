#pragma once
/// The command `evaluate`: how good the model of a checkpoint is.

#include <cstdint>
#include <string>

#include "ncf/comm/communicator.hpp"
#include "ncf/train/evaluation.hpp"
#include "ncf/train/saved_model.hpp"

namespace ncf {

struct EvaluateRequest {
  std::string checkpoint;  // a directory step-…, or a run's
  std::string ratings;     // what to evaluate on; empty: the validation part of the checkpoint's own data
  Overrides overrides;
};

struct EvaluateResult {
  std::string checkpoint;  // the directory step-…
  int64_t step = 0;
  RatingMetrics metrics;
  int64_t unknown_rows = 0;  // whose user or item the checkpoint does not know: predicted from row 0
};

/// On its own validation part the metrics are those that training printed at this step, to the last digit
/// when train.reproducible is `ranks`, or on the same number of ranks and threads. On `ratings` all rows
/// count; they are read as the keys of `overrides` say, not as the checkpoint's. Errors, the same on every
/// rank: Error{checkpoint} when there is no valid one or a key asks for another model; Error{data} when
/// ratings are not there, or none are left to evaluate on. Collective.
EvaluateResult evaluate(const EvaluateRequest& request, Communicator& comm);

}  // namespace ncf
