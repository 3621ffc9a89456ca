#pragma once
/// A model with whole tables on one rank, its parameters and gradients reachable by their names in a
/// checkpoint: what a test needs to set numbers, take a step, and compare.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "ncf/model/model.hpp"
#include "ncf/nn/optimizer.hpp"

namespace ncf::reference {

/// Slots are row numbers of the whole tables.
struct Samples {
  std::vector<int32_t> users, items;
  std::vector<float> ratings;
};

class DrivenModel {
 public:
  static constexpr int64_t user_rows = 23, item_rows = 37;

  DrivenModel(const ModelConfig& config, int64_t micro_batch, FirstLayer first_layer = FirstLayer::rows)
      : shapes_(table_shapes(config, user_rows, item_rows)),
        model_(config, training(micro_batch, first_layer), shapes_, /*seed=*/1, dense_, *pool_),
        tables_{Table(shapes_[0]), Table(shapes_[1])} {}

  /// Every value that is saved: tables (weight and bias apart), dense parameters, running statistics.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const TableShape& shape : shapes_) {
      for (const Columns& columns : columns_of(shape)) all.push_back(columns.name);
    }
    for (const Segment& segment : dense_.segments()) all.push_back(segment.path);
    return all;
  }

  /// Names of the values that have a gradient.
  std::vector<std::string> trained_names() const {
    std::vector<std::string> trained = names();
    for (const Segment& segment : dense_.segments())
      if (!segment.trained) std::erase(trained, segment.path);
    return trained;
  }

  void set(const std::string& name, std::span<const double> values) {
    if (values.size() != this->values(name).size())
      throw std::runtime_error(name + " has another number of values");
    auto next = values.begin();
    visit(name, false, [&](float& value) { value = static_cast<float>(*next++); });
  }
  std::vector<double> values(const std::string& name) { return read(name, false); }
  std::vector<double> gradient(const std::string& name) { return read(name, true); }

  /// Forward and backward of samples [first, first + count) of a batch; adds to the gradients.
  LossSum train(const Samples& batch, std::size_t first, std::size_t count) {
    BatchView view = view_of(batch, first, count);
    const int64_t bounds[] = {0, static_cast<int64_t>(count)};
    view.bounds = bounds;
    LossSum loss;
    const auto of_layers = dense_.gradients(0);
    const std::vector<float> before(of_layers.begin(), of_layers.end());
    model_.begin(Model::Use::train, view.global_rows, dense_);
    model_.clear_gradients(dense_);
    const auto cols = model_.travelling_cols();
    std::array<Matrix, 2> travelling, totals;
    std::array<RowSums, 2> sums;
    for (std::size_t t = 0; t < 2; ++t) {
      send(t, travelling[t]);
      totals[t].reshape_aligned(tables_[t].weight.rows(), cols[t]);
      totals[t].fill(0);  // of rows that no sample uses, too
      sums[t].begin(t == 0 ? view.user_slots : view.item_slots, bounds, totals[t].view());
    }
    view.users = travelling[0].view();
    view.items = travelling[1].view();
    // One rank, one granule: the global sum of batch normalisation is the rank's own.
    model_.train(view, dense_, sums, loss, [](std::span<const double> parts, std::span<double> total) {
      std::copy(parts.begin(), parts.end(), total.begin());
    });
    for (std::size_t t = 0; t < 2; ++t) {
      Matrix room;
      sums[t].finish(*pool_);
      const MatrixView gradients =
          model_.owner_backward(t, owned(t), Granules{}, totals[t].view(), dense_, room);
      for (int64_t r = 0; r < gradients.rows; ++r) add(tables_[t].gradient, r, gradients.row(r));
    }
    for (std::size_t k = 0; k < before.size(); ++k) of_layers[k] += before[k];
    return loss;
  }
  LossSum train(const Samples& batch) { return train(batch, 0, batch.users.size()); }

  std::vector<float> predict(const Samples& batch) {
    std::vector<float> predictions(batch.users.size());
    BatchView view = view_of(batch, 0, batch.users.size());
    model_.begin(Model::Use::predict, view.global_rows, dense_);
    std::array<Matrix, 2> travelling;
    for (std::size_t t = 0; t < 2; ++t) send(t, travelling[t]);
    view.users = travelling[0].view();
    view.items = travelling[1].view();
    model_.predict(view, dense_, predictions);
    return predictions;
  }

  /// One dense optimiser step on everything; the gradient of rows that no sample of the batch touched is
  /// zero.
  void step(const StepFactors& factors, const Samples& batch) {
    const std::vector<int32_t>* slots[] = {&batch.users, &batch.items};
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      const std::set<int64_t> touched(slots[t]->begin(), slots[t]->end());
      Table& table = tables_[t];
      for (int64_t r = 0; r < table.weight.rows(); ++r) {
        float *w = table.weight.row(r), *m = table.first_moment.row(r), *v = table.second_moment.row(r);
        if (!touched.contains(r)) std::fill_n(table.gradient.row(r), table.gradient.cols(), 0.0F);
        update(factors, true, table.weight.cols(), w, table.gradient.row(r), m, v);
      }
    }
    for (std::size_t s = 0; s < dense_.segments().size(); ++s) {
      const Segment& segment = dense_.segments()[s];
      if (segment.trained)
        update(factors, segment.decays, segment.size, dense_.value(s).data(), dense_.gradient(s).data(),
               dense_.first_moment(s).data(), dense_.second_moment(s).data());
    }
  }

  void clear_gradients() {
    dense_.clear_gradients();
    for (Table& table : tables_) table.gradient.fill(0);
  }

 private:
  struct Table {
    explicit Table(const TableShape& shape)
        : weight(shape.rows, shape.cols()),
          gradient(shape.rows, shape.cols()),
          first_moment(shape.rows, shape.cols()),
          second_moment(shape.rows, shape.cols()) {
      for (Matrix* matrix : {&weight, &gradient, &first_moment, &second_moment}) matrix->fill(0);
    }
    Matrix weight, gradient, first_moment, second_moment;
  };

  /// What a checkpoint makes of a row.
  struct Columns {
    std::string name;
    int64_t from = 0, to = 0;
  };
  static std::vector<Columns> columns_of(const TableShape& shape) {
    const int64_t embedding = shape.gmf_width, bias = embedding + shape.width;
    std::vector<Columns> all = {{"/gmf/" + shape.name + "/weight", 0, embedding},
                                {"/embedding/" + shape.name + "/weight", embedding, bias},
                                {"/embedding/" + shape.name + "/bias", bias, shape.cols()}};
    std::erase_if(all, [](const Columns& c) { return c.from == c.to; });
    return all;
  }

  /// All rows of a table, as one class.
  OwnedRows owned(std::size_t table) {
    class_bounds_ = {0, tables_[table].weight.rows()};
    return {tables_[table].weight.view(), class_bounds_};
  }
  void send(std::size_t table, Matrix& out) {
    out.reshape_aligned(tables_[table].weight.rows(), model_.travelling_cols()[table]);
    model_.owner_forward(table, owned(table), dense_, out.view());
  }

  static void add(Matrix& to, int64_t row, const float* from) {
    for (int64_t c = 0; c < to.cols(); ++c) to.row(row)[c] += from[c];
  }

  BatchView view_of(const Samples& batch, std::size_t first, std::size_t count) {
    BatchView view;
    view.user_slots = std::span(batch.users).subspan(first, count);
    view.item_slots = std::span(batch.items).subspan(first, count);
    view.ratings = std::span(batch.ratings).subspan(first, count);
    view.global_rows = static_cast<int64_t>(batch.users.size());
    view.first_position = static_cast<int64_t>(first);
    return view;
  }

  void visit(const std::string& name, bool gradients, const std::function<void(float&)>& see) {
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      for (const Columns& columns : columns_of(shapes_[t])) {
        if (columns.name != name) continue;
        Matrix& matrix = gradients ? tables_[t].gradient : tables_[t].weight;
        for (int64_t r = 0; r < matrix.rows(); ++r)
          for (int64_t c = columns.from; c < columns.to; ++c) see(matrix.row(r)[c]);
        return;
      }
    }
    for (std::size_t s = 0; s < dense_.segments().size(); ++s)
      if (dense_.segments()[s].path == name) {
        for (float& value : gradients ? dense_.gradient(s) : dense_.value(s)) see(value);
        return;
      }
    throw std::runtime_error("the model has no " + name);
  }

  std::vector<double> read(const std::string& name, bool gradients) {
    std::vector<double> found;
    visit(name, gradients, [&](float& value) { found.push_back(static_cast<double>(value)); });
    return found;
  }

  static TrainConfig training(int64_t micro_batch, FirstLayer first_layer) {
    TrainConfig train;
    train.micro_batch = micro_batch;
    train.first_layer = first_layer;
    return train;
  }

  std::vector<TableShape> shapes_;
  std::unique_ptr<WorkerPool> pool_ = std::make_unique<WorkerPool>(1);
  DenseParameters dense_;
  Model model_;
  std::vector<Table> tables_;
  std::vector<int64_t> class_bounds_;
};

}  // namespace ncf::reference
