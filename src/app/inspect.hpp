#pragma once
/// What the command `inspect` prints, in words or as JSON. Each function gives the whole text.

#include <optional>
#include <string>

#include "ncf/checkpoint/survey.hpp"
#include "ncf/ingest/survey.hpp"

namespace ncf::app {

/// A path that means several checkpoints.
struct InspectedRun {
  std::string path;
  bool run = true;  ///< a run's directory; else a directory `checkpoints`
  CheckpointsSurvey all;
};

/// `sibling`: an intact checkpoint beside a damaged one; empty: none.
std::string checkpoint_in_words(const CheckpointSurvey& survey, const std::string& sibling);
std::string checkpoint_as_json(const CheckpointSurvey& survey, const std::string& sibling);
std::string run_in_words(const InspectedRun& run);
std::string run_as_json(const InspectedRun& run);
std::string dataset_in_words(const DatasetSurvey& survey);
std::string dataset_as_json(const DatasetSurvey& survey);

}  // namespace ncf::app
