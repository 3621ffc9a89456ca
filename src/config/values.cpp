#include "config/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "ncf/config/nearest.hpp"

namespace ncf {
namespace {

template <class T>
std::string shortest(T value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

/// The whole text as a number, or nothing. YAML allows a plus sign, from_chars does not.
template <class T>
std::optional<T> number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A limit as people write it: 1000000000 rather than 1e+09.
std::string limit(double value) {
  char buffer[32];
  const bool whole = value == std::floor(value) && std::abs(value) < 1e16;
  const auto format = whole ? std::chars_format::fixed : std::chars_format::general;
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr};
}

std::string bounds(const Rule& rule) {
  if (rule.min && rule.max) return " from " + limit(*rule.min) + " to " + limit(*rule.max);
  std::string text;
  const auto add = [&](const char* words, const std::optional<double>& value) {
    if (value) text += (text.empty() ? " " : " and ") + std::string(words) + limit(*value);
  };
  add("of at least ", rule.min);
  add("above ", rule.above);
  add("of at most ", rule.max);
  add("below ", rule.below);
  return text;
}

bool within(double value, const Rule& rule) {
  return !(rule.min && value < *rule.min) && !(rule.above && value <= *rule.above) &&
         !(rule.max && value > *rule.max) && !(rule.below && value >= *rule.below);
}

template <class T>
Problem read_number(const YAML::Node& node, T& value, const Rule& rule, const char* type) {
  const auto parsed = node.IsScalar() ? number<T>(node.Scalar()) : std::nullopt;
  if (!parsed || !std::isfinite(static_cast<double>(*parsed))) return shown(node) + " is not " + type;
  if (!within(static_cast<double>(*parsed), rule)) return shown(node) + " is out of bounds";
  value = *parsed;
  return std::nullopt;
}

template <class T>
Problem read_list(const YAML::Node& node, std::vector<T>& value, const Rule& rule) {
  if (!node.IsSequence()) return shown(node) + " is not a list";
  std::vector<T> list;
  for (const auto& element : node) {
    T one{};
    if (auto problem = read(element, one, rule)) return problem;
    list.push_back(one);
  }
  value = std::move(list);
  return std::nullopt;
}

template <class T>
std::string write_list(const std::vector<T>& values, const Rule& rule) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + write(value, rule);
  return "[" + text + "]";
}

}  // namespace

std::string shown(const YAML::Node& node) {
  if (node.IsNull()) return "nothing";
  YAML::Emitter out;
  out.SetMapFormat(YAML::Flow);
  out.SetSeqFormat(YAML::Flow);
  out << node;
  std::string text = node.IsScalar() ? node.Scalar() : out.c_str();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  std::size_t longest = 60;
  if (text.size() > longest) {
    while ((static_cast<unsigned char>(text[longest]) & 0xc0) == 0x80)
      --longest;  // not inside a UTF-8 character
    text = text.substr(0, longest) + "…";
  }
  return node.IsScalar() ? "'" + text + "'" : text;
}

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
  return text;
}

std::string not_among(const YAML::Node& node, std::span<const std::string_view> words) {
  const std::vector<std::string> names(words.begin(), words.end());
  return shown(node) + " is none of its values" + (node.IsScalar() ? nearest_hint(node.Scalar(), names) : "");
}

// true, false

std::string write(bool value, const Rule&) {
  return value ? "true" : "false";
}

Problem read(const YAML::Node& node, bool& value, const Rule&) {
  if (node.IsScalar() && YAML::convert<bool>::decode(node, value)) return std::nullopt;
  return shown(node) + " is neither";
}

std::string takes(const bool&, const Rule&) {
  return "true or false";
}

// Numbers

std::string write(int64_t value, const Rule& rule) {
  return rule.automatic && value == 0 ? "auto" : std::to_string(value);
}

Problem read(const YAML::Node& node, int64_t& value, const Rule& rule) {
  if (rule.automatic && node.IsScalar() && node.Scalar() == "auto") {
    value = 0;
    return std::nullopt;
  }
  return read_number(node, value, rule, "an integer");
}

std::string takes(const int64_t&, const Rule& rule) {
  return (rule.automatic ? "auto, or an integer" : "an integer") + bounds(rule);
}

std::string write(double value, const Rule&) {
  return shortest(value);
}

Problem read(const YAML::Node& node, double& value, const Rule& rule) {
  return read_number(node, value, rule, "a number");
}

std::string takes(const double&, const Rule& rule) {
  return "a number" + bounds(rule);
}

// Text

std::string write(const std::string& value, const Rule&) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  YAML::Emitter out;
  if (std::ranges::any_of(value, is_control))
    out << YAML::DoubleQuoted;  // left to itself it takes several lines
  out << value;
  return out.c_str();
}

Problem read(const YAML::Node& node, std::string& value, const Rule& rule) {
  if (!node.IsScalar() && !node.IsNull()) return shown(node) + " is not one text";
  const std::string text = node.IsNull() ? "" : node.Scalar();
  if (!rule.choices.empty() && std::ranges::find(rule.choices, text) == rule.choices.end())
    return not_among(node, rule.choices);
  if (text.empty() && rule.required) return "it is empty";
  if (text.find('\0') != std::string::npos) return "it contains a zero byte";
  value = text;
  return std::nullopt;
}

std::string takes(const std::string&, const Rule& rule) {
  if (!rule.choices.empty()) return listed(rule.choices);
  return rule.required ? "text" : "text, or nothing";
}

// Lists

std::string write(const std::vector<int64_t>& value, const Rule& rule) {
  return write_list(value, rule);
}

Problem read(const YAML::Node& node, std::vector<int64_t>& value, const Rule& rule) {
  return read_list(node, value, rule);
}

std::string takes(const std::vector<int64_t>&, const Rule& rule) {
  return "a list such as [100, 50], each an integer" + bounds(rule);
}

std::string write(const std::vector<double>& value, const Rule& rule) {
  return value.size() == 1 ? write(value.front(), rule) : write_list(value, rule);
}

Problem read(const YAML::Node& node, std::vector<double>& value, const Rule& rule) {
  if (node.IsSequence()) return node.size() == 0 ? "the list is empty" : read_list(node, value, rule);
  double one = 0;
  if (auto problem = read(node, one, rule)) return problem;
  value = {one};
  return std::nullopt;
}

std::string takes(const std::vector<double>&, const Rule& rule) {
  return "a number" + bounds(rule) + ", or a list of them such as [0.2, 0.1]";
}

// A range, or none

std::string write(const std::optional<std::vector<double>>& value, const Rule& rule) {
  return value ? write_list(*value, rule) : "none";
}

Problem read(const YAML::Node& node, std::optional<std::vector<double>>& value, const Rule& rule) {
  if (node.IsNull() || (node.IsScalar() && node.Scalar() == "none")) {
    value.reset();
    return std::nullopt;
  }
  std::vector<double> range;
  if (auto problem = read_list(node, range, rule)) return problem;
  if (range.size() != 2) return shown(node) + " is not two numbers";
  if (!(range[0] < range[1])) return shown(node) + " does not rise";
  value = std::move(range);
  return std::nullopt;
}

std::string takes(const std::optional<std::vector<double>>&, const Rule&) {
  return "none, or a list [low, high] with low below high";
}

// Embedding widths

std::string write(const EmbeddingDim& value, const Rule& rule) {
  const auto part = [&](int64_t dim) { return dim == 0 ? "auto" : write(dim, rule); };
  if (value.user == value.item) return part(value.user);
  return "{user: " + part(value.user) + ", item: " + part(value.item) + "}";
}

Problem read(const YAML::Node& node, EmbeddingDim& value, const Rule& rule) {
  Rule part = rule;
  part.automatic = true;
  EmbeddingDim dim;
  if (!node.IsMap()) {
    if (auto problem = read(node, dim.user, part)) return problem;
    value = {dim.user, dim.user};
    return std::nullopt;
  }
  bool user_seen = false, item_seen = false;
  for (const auto& pair : node) {
    const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "";
    if (key != "user" && key != "item") return shown(pair.first) + " is neither user nor item";
    if (std::exchange(key == "user" ? user_seen : item_seen, true)) return key + " is given twice";
    if (auto problem = read(pair.second, key == "user" ? dim.user : dim.item, part))
      return key + ": " + *problem;
  }
  value = dim;
  return std::nullopt;
}

std::string takes(const EmbeddingDim&, const Rule& rule) {
  return "auto, an integer" + bounds(rule) + ", or a map such as {user: 74, item: auto}";
}

}  // namespace ncf
