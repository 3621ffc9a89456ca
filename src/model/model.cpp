#include "ncf/model/model.hpp"

#include <algorithm>
#include <cmath>

#include "ncf/util/error.hpp"

namespace ncf {
namespace {

std::variant<Neural, Product> make(const ModelConfig& config, const TrainConfig& train,
                                   const std::vector<TableShape>& tables, uint64_t seed,
                                   DenseParameters& parameters, WorkerPool& pool) {
  switch (config.kind) {
    case ModelKind::neural:
    case ModelKind::neumf:
      return Neural(config, train, tables, seed, parameters, pool);
    case ModelKind::dot:
    case ModelKind::gmf:
      return Product(config, tables, seed, parameters, pool);
  }
  throw Error(ErrorKind::internal, "unknown model kind");
}

/// Of NeuMF's product: as many as the last layer has, so that neither tower is the smaller one (He et al.
/// 2017, 4.1: "predictive factors").
int64_t tower_width(const ModelConfig& config, int64_t embedding_width) {
  if (config.gmf_dim != 0) return config.gmf_dim;
  return config.hidden.empty() ? embedding_width : config.hidden.back();
}

}  // namespace

int64_t rule_of_thumb_width(int64_t rows) {
  const double width = 1.6 * std::pow(static_cast<double>(rows), 0.56);
  return std::min<int64_t>(600, static_cast<int64_t>(std::nearbyint(width)));  // to even on ties
}

std::vector<TableShape> table_shapes(const ModelConfig& config, int64_t user_rows, int64_t item_rows) {
  int64_t user = config.embedding_dim.user, item = config.embedding_dim.item;
  if (user == 0) user = rule_of_thumb_width(user_rows);
  if (item == 0) item = rule_of_thumb_width(item_rows);
  if (!config.has_layers() && user != item) {
    // With "auto" on a side the other side's number counts; two rules of thumb are resolved to the smaller.
    user = item = config.embedding_dim.user != 0   ? config.embedding_dim.user
                  : config.embedding_dim.item != 0 ? config.embedding_dim.item
                                                   : std::min(user, item);
  }
  TableShape users{.name = "user", .rows = user_rows, .width = user};
  TableShape items{.name = "item", .rows = item_rows, .width = item};
  for (TableShape* t : {&users, &items}) {
    t->has_bias = config.kind == ModelKind::dot;
    if (config.kind == ModelKind::gmf) std::swap(t->gmf_width, t->width);
    if (config.kind == ModelKind::neumf) t->gmf_width = tower_width(config, std::min(user, item));
  }
  return {users, items};
}

Model::Model(const ModelConfig& config, const TrainConfig& train, const std::vector<TableShape>& tables,
             uint64_t seed, DenseParameters& parameters, WorkerPool& pool)
    : model_(make(config, train, tables, seed, parameters, pool)),
      cols_{tables.at(0).cols(), tables.at(1).cols()} {}

void Model::begin(Use use, int64_t rows, DenseParameters& parameters) {
  if (auto* neural = std::get_if<Neural>(&model_)) neural->begin(use, rows, parameters);
}

bool Model::projects() const {
  const auto* neural = std::get_if<Neural>(&model_);
  return neural != nullptr && neural->projects();
}

std::array<int64_t, 2> Model::travelling_cols() const {
  if (!projects()) return cols_;
  const int64_t cols = std::get<Neural>(model_).projected_cols();
  return {cols, cols};
}

void Model::owner_forward(std::size_t table, const OwnedRows& rows, DenseParameters& parameters,
                          MatrixView out) {
  if (projects()) return std::get<Neural>(model_).project(table, rows, parameters, out);
  if (rows.values.data == out.data) return;
  for (int64_t k = 0; k < out.rows; ++k) std::copy_n(rows.values.row(k), out.cols, out.row(k));
}

void Model::clear_gradients(DenseParameters& parameters) const {
  projects() ? parameters.clear_gradients_but(std::get<Neural>(model_).projecting_weight())
             : parameters.clear_gradients();
}

bool Model::sorts_samples(int64_t rows, int64_t largest) const {
  const auto* neural = std::get_if<Neural>(&model_);
  return neural != nullptr && neural->sorts_samples(rows, largest);
}

void Model::order_samples(BatchView& batch, DenseParameters& parameters) {
  if (auto* neural = std::get_if<Neural>(&model_)) neural->order_samples(batch, parameters);
}

Rounds Model::rounds() const {
  if (const auto* neural = std::get_if<Neural>(&model_)) return neural->rounds();
  return std::get<Product>(model_).rounds();
}

void Model::train(const BatchView& batch, DenseParameters& parameters, std::span<RowSums, 2> sums,
                  LossSum& loss, const GlobalSum& sum) {
  if (auto* neural = std::get_if<Neural>(&model_)) return neural->train(batch, parameters, sums, loss, sum);
  std::get<Product>(model_).train(batch, parameters, sums, loss);
}

MatrixView Model::owner_backward(std::size_t table, const OwnedRows& rows, const Granules& granules,
                                 MatrixView sums, DenseParameters& parameters, Matrix& room) {
  if (!projects()) return sums;
  room.reshape_aligned(rows.values.rows, rows.values.cols);
  std::get<Neural>(model_).project_backward(table, rows, granules, sums, parameters, room.view());
  return room.view();
}

void Model::predict(const BatchView& batch, DenseParameters& parameters, std::span<float> predictions) {
  if (auto* neural = std::get_if<Neural>(&model_)) return neural->predict(batch, parameters, predictions);
  std::get<Product>(model_).predict(batch, parameters, predictions);
}

}  // namespace ncf
