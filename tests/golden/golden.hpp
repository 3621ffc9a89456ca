#pragma once
/// Reads the files that make_golden.py writes: one named tensor a line, `tensor NAME d0 d1 ... : values`.

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

}  // namespace ncf::golden
