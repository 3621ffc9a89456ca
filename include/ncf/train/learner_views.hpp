#pragma once
/// A learner as the checkpoint layer sees it: views of its tables and dense parameters, for saving and
/// loading alike.

#include <vector>

#include "ncf/checkpoint/snapshot.hpp"
#include "ncf/config/config.hpp"
#include "ncf/train/learner.hpp"

namespace ncf {

/// AdamW has two moments, SGD one.
MomentNames moment_names(const TrainConfig& config);
/// Without moments and last_step.
TableView weights_view(RowTable& table);
std::vector<TableView> table_views(Learner& learner, const TrainConfig& config);
std::vector<DenseView> dense_views(Learner& learner, const TrainConfig& config);

}  // namespace ncf
