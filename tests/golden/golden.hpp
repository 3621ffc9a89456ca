#pragma once
/// Reads the files that make_golden.py writes: one named tensor a line, `tensor NAME d0 d1 ... : values`.
/// What the names are is told there.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ncf::golden {

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;  // row-major, as many as the shape says
};

using Tensors = std::map<std::string, Tensor>;

/// tests/golden/NAME.txt. Throws std::runtime_error when it is absent, empty, or a line is not as above.
inline Tensors load(const std::string& name) {
  const std::string path = std::string(NCF_SOURCE_DIR) + "/tests/golden/" + name + ".txt";
  std::ifstream file(path);
  Tensors tensors;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string word, tensor_name;
    Tensor tensor;
    std::size_t size = 1;
    fields >> word >> tensor_name;
    if (word != "tensor") throw std::runtime_error(path + ": a line does not start with 'tensor'");
    while (fields >> word && word != ":") {
      tensor.shape.push_back(std::stoll(word));
      size *= static_cast<std::size_t>(tensor.shape.back());
    }
    for (double value = 0; fields >> value;) tensor.values.push_back(value);
    if (!fields.eof() || tensor.values.size() != size)
      throw std::runtime_error(path + ": " + tensor_name + " has not as many numbers as its shape says");
    if (!tensors.emplace(tensor_name, std::move(tensor)).second)
      throw std::runtime_error(path + ": " + tensor_name + " stands there twice");
  }
  if (tensors.empty()) throw std::runtime_error(path + ": not there, or empty");
  return tensors;
}

/// Samples of one step.
struct Batch {
  std::vector<std::size_t> users, items;
  std::vector<double> ratings;
};

/// One model's run: dense AdamW on the same batches and rates for every model.
struct Case {
  static constexpr std::size_t user_rows = 23, item_rows = 37;
  std::vector<Batch> batches;     // a step each
  std::vector<double> lr, beta1;  // a step each
  Tensors tensors;                // by the names of the file

  /// Tensors whose names begin with the prefix, by the rest of their names: "initial", "gradient", "step10"
  /// or "float32/step10", by what stands in a checkpoint.
  Tensors part(const std::string& prefix) const {
    Tensors found;
    for (const auto& [name, tensor] : tensors)
      if (name.starts_with(prefix + "/")) found[name.substr(prefix.size())] = tensor;
    if (found.empty()) throw std::runtime_error("no tensor's name begins with " + prefix + "/");
    return found;
  }
};

/// Of neural, neural_batch_norm or dot. Throws as load() does.
inline Case load_case(const std::string& name) {
  Case all;
  all.tensors = load(name);
  const Tensors shared = load("batches");
  all.lr = shared.at("lr").values;
  all.beta1 = shared.at("beta1").values;
  const Tensor &users = shared.at("users"), &items = shared.at("items"), &ratings = shared.at("ratings");
  const std::size_t size = users.values.size() / all.lr.size();
  for (std::size_t i = 0; i < users.values.size(); ++i) {
    if (i % size == 0) all.batches.emplace_back();
    all.batches.back().users.push_back(static_cast<std::size_t>(users.values[i]));
    all.batches.back().items.push_back(static_cast<std::size_t>(items.values.at(i)));
    all.batches.back().ratings.push_back(ratings.values.at(i));
  }
  return all;
}

}  // namespace ncf::golden
