#include "config/fields.hpp"

#include <limits>

#include "config/values.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double many = 9e15;  // whole numbers that a double still counts

struct Bounds {
  double min = -infinity;
  double max = infinity;
  bool open_max = false;  // max itself is out
};

void check_bounds(double value, const Bounds& b, const std::string& text) {
  if (value < b.min || value > b.max || (b.open_max && value == b.max)) throw Mismatch{"a value in " + text};
}
void check_all(int64_t value, const Bounds& b, const std::string& text) {
  check_bounds(static_cast<double>(value), b, text);
}
void check_all(double value, const Bounds& b, const std::string& text) {
  check_bounds(value, b, text);
}
template <class T>
void check_all(const std::vector<T>& values, const Bounds& b, const std::string& text) {
  for (T v : values) check_all(v, b, text);
}
template <class T>
void check_all(const T&, const Bounds&, const std::string&) {}

std::string bounds_text(const Bounds& b) {
  if (b.min == -infinity && b.max == infinity) return "";
  const auto end = [](double v) {
    return v >= many ? std::string("∞") : v == -infinity ? std::string("-∞") : write(v);
  };
  return "[" + end(b.min) + ", " + (b.max == infinity ? "∞" : end(b.max)) +
         (b.open_max || b.max >= many ? ")" : "]");
}

class Declare {
 public:
  std::vector<Field> list;

  template <class T>
  void operator()(std::string key, T& place, std::string help, Bounds bounds = {}) {
    const std::string text = bounds_text(bounds);
    list.push_back({std::move(key), text, std::move(help),
                    [&place, bounds, text](const YAML::Node& node) {
                      T value = place;
                      read(node, value);
                      check_all(value, bounds, text);
                      place = value;
                    },
                    [&place] { return write(place); }});
  }
  void automatic(std::string key, int64_t& place, std::string help) {
    list.push_back({std::move(key), "[1, ∞) or auto", std::move(help),
                    [&place](const YAML::Node& node) { read(node, AutoInteger{place}); },
                    [&place] { return write(AutoInteger{place}); }});
  }
};

}  // namespace

std::vector<Field> fields(Config& c) {
  Declare field;
  field("run.dir", c.run.dir, "directory for everything the run writes");
  field("run.seed", c.run.seed, "the source of all randomness", {0, many});
  field.automatic("run.threads", c.run.threads, "threads a rank computes with; auto: cores of the node / its ranks");

  field("data.path", c.data.path,
        "ratings: a file or a directory of a known data set, from the current directory; empty: synthetic ratings");
  field("data.format", c.data.format, "what data.path is; auto finds out");
  field("data.split", c.data.split,
        "random: data.valid_fraction of all rows; leave_one_out: each user's latest; given: data.valid_path");
  field("data.valid_path", c.data.valid_path, "split given: the validation ratings (for u1.base, u1.test beside it)");
  field("data.valid_fraction", c.data.valid_fraction, "split random: share of the rows that validate",
        {0, 1, true});
  field("data.vocabulary", c.data.vocabulary, "ids the model has rows for: those of the training part, or all");
  field("data.duplicates", c.data.duplicates, "which rating of a repeated (user, item) pair counts");
  field("data.csv.user", c.data.csv.user, "format csv: column of the user id, by name or by number from 1");
  field("data.csv.item", c.data.csv.item, "format csv: column of the item id");
  field("data.csv.rating", c.data.csv.rating, "format csv: column of the rating");
  field("data.csv.time", c.data.csv.time, "format csv: column of the time stamp in seconds; empty: none");
  field("data.csv.separator", c.data.csv.separator, "format csv: one character, tab, or auto");
  field("data.csv.header", c.data.csv.header, "format csv: whether the first line names columns: auto | yes | no");
  field("data.synthetic.users", c.data.synthetic.users, "synthetic ratings: users", {1, 2e9});
  field("data.synthetic.items", c.data.synthetic.items, "synthetic ratings: items", {1, 2e9});
  field("data.synthetic.ratings", c.data.synthetic.ratings, "synthetic ratings: distinct (user, item) pairs",
        {1, many});

  field("model.kind", c.model.kind, "neural: embeddings through a multilayer perceptron; dot: product and biases");
  field("model.embedding_dim", c.model.embedding_dim, "auto (min(600, 1.6·n^0.56)), N, or {user: N, item: N}");
  field("model.hidden", c.model.hidden, "neural: widths of the hidden layers", {1, 1e6});
  field("model.y_range", c.model.y_range, "[low, high]: predictions are squeezed into it by a sigmoid; or none");
  field("model.batch_norm", c.model.batch_norm, "neural: batch normalisation after each ReLU, over the global batch");
  field("model.dropout", c.model.dropout, "neural: after each hidden layer; one number, or one a layer",
        {0, 1, true});
  field("model.embedding_dropout", c.model.embedding_dropout, "neural: on the embeddings", {0, 1, true});

  field("train.epochs", c.train.epochs, "passes over the training ratings", {1, 1e6});
  field("train.batch_size", c.train.batch_size, "samples a step, over all ranks", {1, 2e9});
  field("train.micro_batch", c.train.micro_batch, "samples a rank computes at once, to stay in cache", {1, 1e9});
  field("train.drop_last", c.train.drop_last, "leave out an epoch's last incomplete batch");
  field("train.optimizer", c.train.optimizer, "update rule");
  field("train.lr", c.train.lr, "learning rate (one_cycle: its peak)", {0, 1e3});
  field("train.weight_decay", c.train.weight_decay, "decoupled; not on biases of Linear, nor on batch norm", {0, 1e3});
  field("train.momentum", c.train.momentum, "β₁ of adamw, momentum of sgd; one_cycle moves its own", {0, 1, true});
  field("train.beta2", c.train.beta2, "adamw: decay of the squared gradients", {0, 1, true});
  field("train.eps", c.train.eps, "adamw: added to the root of the squared gradients", {0, 1});
  field("train.schedule", c.train.schedule, "learning rate over the run");
  field("train.warmup", c.train.warmup, "schedules other than one_cycle: fraction of all steps that rise from 0",
        {0, 1, true});
  field("train.lr_step_epochs", c.train.lr_step_epochs, "schedule step: epochs between drops", {1, 1e6});
  field("train.lr_step_factor", c.train.lr_step_factor, "schedule step: what a drop multiplies by", {0, 1});
  field("train.embedding_update", c.train.embedding_update,
        "lazy: only rows in the batch move, missed decay is made up for; dense: every row, every step, as PyTorch");

  field("eval.every_epochs", c.eval.every_epochs, "validate after every so many epochs, and after the last", {1, 1e6});
  field("comm.timeout_s", c.comm.timeout_s, "seconds a rank waits for others before the job is ended", {1, 1e6});
  return field.list;
}

void check_together(const Config& c) {
  const auto& d = c.model.dropout;
  if (d.size() != 1 && d.size() != c.model.hidden.size())
    throw Error(ErrorKind::usage, "model.dropout has " + std::to_string(d.size()) + " values for " +
                                      std::to_string(c.model.hidden.size()) +
                                      " hidden layers: give one number, or one a layer");
  if (c.model.kind == ModelKind::dot && c.model.embedding_dim.user != 0 && c.model.embedding_dim.item != 0 &&
      c.model.embedding_dim.user != c.model.embedding_dim.item)
    throw Error(ErrorKind::usage, "model.embedding_dim: the dot model needs the same width for users and items");
  if (c.data.path.empty()) {
    if (c.data.split == SplitKind::given)
      throw Error(ErrorKind::usage, "data.split given needs data.path: synthetic ratings bring no split");
    const auto& s = c.data.synthetic;
    if (static_cast<double>(s.ratings) > static_cast<double>(s.users) * static_cast<double>(s.items))
      throw Error(ErrorKind::usage, "data.synthetic.ratings: " + std::to_string(s.ratings) +
                                        " distinct pairs do not fit " + std::to_string(s.users) + " users × " +
                                        std::to_string(s.items) + " items");
  }
  for (const auto& [key, value] : {std::pair{"header", c.data.csv.header}})
    if (value != "auto" && value != "yes" && value != "no")
      throw Error(ErrorKind::usage, std::string("data.csv.") + key + ": \"" + value + "\" is not auto, yes or no");
}

}  // namespace ncf
