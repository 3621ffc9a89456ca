#pragma once
/// The parts of a survey: what each file of a checkpoint tells. Nothing here communicates.

#include <string>

#include "ncf/checkpoint/survey.hpp"

namespace ncf {

/// The manifest, and the list of files: its own or, without it, what is there.
void look_at_manifest(CheckpointSurvey& survey);
/// Sizes, and whether each shard is the one its name says.
void look_at_files(CheckpointSurvey& survey);
/// What model.h5 tells of the model.
void look_at_model(CheckpointSurvey& survey);

/// Whether the file is there with the size the manifest gives.
bool has_size(const std::string& directory, const FileRecord& file);
/// Notes that the contents of `file` have another digest ("": they cannot be read).
void blame_digest(CheckpointSurvey& survey, const FileRecord& file, const std::string& found);

/// What can still be done.
void advise(CheckpointSurvey& survey);

}  // namespace ncf
