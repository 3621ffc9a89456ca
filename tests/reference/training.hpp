#pragma once
/// A training run once more, for tests: the reference models moved by the reference update rules, with
/// embedding rows updated `dense` or `lazy`.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reference/optimizer.hpp"
#include "reference/reference.hpp"

namespace ncf::reference {

/// Values that belong to a row of a table.
inline bool is_row(const std::string& name) {
  return name.starts_with("/embedding/") || name.starts_with("/gmf/user/") || name.starts_with("/gmf/item/");
}
inline bool is_of_user(const std::string& name) {
  return name.find("/user/") != std::string::npos;
}

/// Weight decay applies: to weights of Linear and to everything of an embedding, its bias too.
inline bool decays(const std::string& name) {
  if (is_row(name)) return true;
  return name.ends_with("/weight") && name.find("/bn/") == std::string::npos;
}

/// Invariant when lazy: a row has had the weight decay of all steps up to its last_step_, and moved last at
/// one of them. When dense, every value has had every step.
class Training {
 public:
  /// `rates`: one a step, at least as many as steps are taken.
  Training(Network net, Values initial, Rule rule, std::vector<Rates> rates, bool lazy)
      : net_(std::move(net)),
        values_(std::move(initial)),
        rule_(rule),
        rates_(std::move(rates)),
        lazy_(lazy) {
    for (const auto& [name, values] : values_) {
      moments_[name].resize(values.size());
      if (is_row(name)) last_step_[name].assign(values.size() / width(name), 0);
    }
  }

  /// One step on one batch; returns loss and gradients from before it moved anything.
  template <class Samples>
  Result step(const Samples& batch, const Masks& masks = {}) {
    if (lazy_)
      each_touched_row(batch, [&](const std::string& name, std::size_t row) { catch_up(name, row); });
    Result result = evaluate(net_, values_, batch, masks);
    ++step_;
    for (const auto& [name, gradient] : result.gradients)
      if (!lazy_ || !is_row(name)) move_range(name, gradient, 0, gradient.size());
    if (lazy_)
      each_touched_row(batch, [&](const std::string& name, std::size_t row) {
        move_range(name, result.gradients.at(name), row * width(name), (row + 1) * width(name));
        last_step_.at(name)[row] = step_;
      });
    for (const auto& [name, statistics] : result.running) values_.at(name) = statistics;
    return result;
  }

  /// Lazy: every row gets the weight decay it missed, as before an evaluation or a checkpoint.
  void catch_up() {
    if (!lazy_) return;
    for (const auto& [name, rows] : last_step_)
      for (std::size_t row = 0; row < rows.size(); ++row) catch_up(name, row);
  }

  const Values& values() const { return values_; }
  const std::map<std::string, std::vector<Moments>>& moments() const { return moments_; }

 private:
  std::size_t width(const std::string& name) const {
    if (name.ends_with("/bias")) return 1;
    if (name.starts_with("/gmf/")) return net_.gmf_width;
    return is_of_user(name) ? net_.user_width : net_.item_width;
  }

  /// Once for each row of each table that a sample of the batch uses.
  template <class Samples, class Visit>
  void each_touched_row(const Samples& batch, Visit&& visit) {
    for (const auto& [name, rows] : last_step_) {
      const auto& ids = is_of_user(name) ? batch.users : batch.items;
      for (auto row : std::set(ids.begin(), ids.end())) visit(name, static_cast<std::size_t>(row));
    }
  }

  void catch_up(const std::string& name, std::size_t row) {
    std::size_t& last = last_step_.at(name)[row];
    for (; last < step_; ++last)
      for (std::size_t c = 0; c < width(name); ++c)
        values_.at(name)[row * width(name) + c] *= decay(rule_, rates_.at(last));  // of step last + 1
  }

  void move_range(const std::string& name, const Vector& gradient, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      move(rule_, rates_.at(step_ - 1), step_, decays(name), gradient[i], values_.at(name)[i],
           moments_.at(name)[i]);
  }

  Network net_;
  Values values_;
  Rule rule_;
  std::vector<Rates> rates_;
  bool lazy_ = false;
  std::size_t step_ = 0;  // steps taken
  std::map<std::string, std::vector<Moments>> moments_;
  std::map<std::string, std::vector<std::size_t>> last_step_;  // a row's, of the names of tables
};

}  // namespace ncf::reference
