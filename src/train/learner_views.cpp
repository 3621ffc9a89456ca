#include "ncf/train/learner_views.hpp"

namespace ncf {

MomentNames moment_names(const TrainConfig& config) {
  if (config.optimizer == OptimizerKind::sgd) return {"momentum", ""};
  return {};
}

TableView weights_view(RowTable& table) {
  TableView v;
  v.name = table.shape().name;
  v.total_rows = table.shape().rows;
  v.width = table.shape().width;
  v.has_bias = table.shape().has_bias;
  v.gmf_width = table.shape().gmf_width;
  v.weight = table.weight.view();
  return v;
}

std::vector<TableView> table_views(Learner& learner, const TrainConfig& config) {
  std::vector<TableView> out;
  for (RowTable& t : learner.tables()) {
    TableView v = weights_view(t);
    v.first_moment = t.first_moment.view();
    if (config.optimizer == OptimizerKind::adamw) v.second_moment = t.second_moment.view();
    v.last_step = std::span<int64_t>(t.last_step);
    out.push_back(v);
  }
  return out;
}

std::vector<DenseView> dense_views(Learner& learner, const TrainConfig& config) {
  std::vector<DenseView> out;
  DenseParameters& dense = learner.dense();
  for (std::size_t s = 0; s < dense.segments().size(); ++s) {
    const Segment& segment = dense.segments()[s];
    DenseView v{.path = segment.path,
                .shape = segment.shape,
                .value = dense.value(s),
                .first_moment = {},
                .second_moment = {}};
    if (segment.trained) v.first_moment = dense.first_moment(s);
    if (segment.trained && config.optimizer == OptimizerKind::adamw) v.second_moment = dense.second_moment(s);
    out.push_back(std::move(v));
  }
  return out;
}

}  // namespace ncf
