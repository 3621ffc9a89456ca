#include "config/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace ncf {
namespace {

std::string scalar(const YAML::Node& node, const char* expected) {
  if (!node.IsScalar()) throw Mismatch{expected};
  return node.Scalar();
}

template <class T>
T number(const std::string& text, const char* expected) {
  T value{};
  const char* first = text.data();
  const char* last = first + text.size();
  if (first != last && *first == '+') ++first;
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc() || end != last || first == last) throw Mismatch{expected};
  return value;
}

template <class T>
std::string list(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& v : values) out += (out.size() > 1 ? ", " : "") + write(v);
  return out + "]";
}

}  // namespace

void read(const YAML::Node& node, std::string& out) {
  out = node.IsNull() ? "" : scalar(node, "text");
}

void read(const YAML::Node& node, bool& out) {
  const std::string text = scalar(node, "true or false");
  if (text != "true" && text != "false") throw Mismatch{"true or false"};
  out = text == "true";
}

void read(const YAML::Node& node, int64_t& out) {
  out = number<int64_t>(scalar(node, "a whole number"), "a whole number");
}

void read(const YAML::Node& node, double& out) {
  out = number<double>(scalar(node, "a number"), "a number");
  if (!std::isfinite(out)) throw Mismatch{"a finite number"};
}

void read(const YAML::Node& node, AutoInteger out) {
  const std::string text = scalar(node, "auto or a whole number");
  out.value = text == "auto" ? 0 : number<int64_t>(text, "auto or a whole number");
  if (text != "auto" && out.value < 1) throw Mismatch{"auto or a whole number from 1"};
}

void read(const YAML::Node& node, std::vector<int64_t>& out) {
  if (!node.IsSequence()) throw Mismatch{"a list of whole numbers, such as [100, 50]"};
  out.clear();
  for (const auto& element : node) read(element, out.emplace_back());
}

void read(const YAML::Node& node, std::vector<double>& out) {
  out.clear();
  if (node.IsScalar()) return read(node, out.emplace_back());
  if (!node.IsSequence()) throw Mismatch{"a number or a list of numbers"};
  for (const auto& element : node) read(element, out.emplace_back());
}

void read(const YAML::Node& node, std::optional<std::vector<double>>& out) {
  if (node.IsNull() || (node.IsScalar() && node.Scalar() == "none")) {
    out.reset();
    return;
  }
  std::vector<double> values;
  if (!node.IsSequence() || node.size() != 2) throw Mismatch{"[low, high] or none"};
  read(node, values);
  if (!(values[0] < values[1])) throw Mismatch{"[low, high] with low below high, or none"};
  out = values;
}

void read(const YAML::Node& node, EmbeddingDim& out) {
  if (node.IsScalar()) {
    read(node, AutoInteger{out.user});
    out.item = out.user;
    return;
  }
  if (!node.IsMap()) throw Mismatch{"auto, a whole number, or {user: N, item: N}"};
  out = {};
  for (const auto& pair : node) {
    const std::string side = pair.first.Scalar();
    if (side != "user" && side != "item") throw Mismatch{"the keys user and item only"};
    read(pair.second, AutoInteger{side == "user" ? out.user : out.item});
  }
}

void mismatch_enum(const std::string& got, const std::vector<std::string>& names) {
  std::string all;
  for (const auto& n : names) all += (all.empty() ? "" : " | ") + n;
  const std::string near = nearest(got, names);
  throw Mismatch{"one of " + all + (near.empty() ? "" : " (did you mean " + near + "?)")};
}

std::string write(const std::string& value) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << value;
  return out.c_str();
}
std::string write(bool value) {
  return value ? "true" : "false";
}
std::string write(int64_t value) {
  return std::to_string(value);
}
std::string write(double value) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};  // shortest that reads back the same
}
std::string write(AutoInteger value) {
  return value.value == 0 ? "auto" : write(value.value);
}
std::string write(const std::vector<int64_t>& value) {
  return list(value);
}
std::string write(const std::vector<double>& value) {
  return value.size() == 1 ? write(value[0]) : list(value);
}
std::string write(const std::optional<std::vector<double>>& value) {
  return value ? list(*value) : "none";
}
std::string write(const EmbeddingDim& value) {
  int64_t user = value.user, item = value.item;
  if (user == item) return write(AutoInteger{user});
  return "{user: " + write(AutoInteger{user}) + ", item: " + write(AutoInteger{item}) + "}";
}

std::string nearest(const std::string& name, const std::vector<std::string>& among) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : among) {
    std::vector<std::size_t> row(candidate.size() + 1);  // Levenshtein, one row at a time
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t substituted = diagonal + (name[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace ncf
