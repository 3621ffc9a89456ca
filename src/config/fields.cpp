#include "ncf/config/fields.hpp"

#include <algorithm>

#include "config/values.hpp"

namespace ncf {

template <class T>
requires(!std::is_enum_v<T>) void Fields::field(std::string_view name, T& value, const Rule& rule,
                                                std::string_view help) {
  Field field;
  field.key = prefix_ + std::string(name);
  field.takes = takes(value, rule);
  field.help = help;
  field.main = rule.main;
  field.is_text = std::is_same_v<T, std::string>;
  field.write = [&value, rule] { return ncf::write(value, rule); };
  field.read = [&value, rule](const YAML::Node& node) { return ncf::read(node, value, rule); };
  fields_.push_back(std::move(field));
}

template void Fields::field(std::string_view, bool&, const Rule&, std::string_view);
template void Fields::field(std::string_view, int64_t&, const Rule&, std::string_view);
template void Fields::field(std::string_view, double&, const Rule&, std::string_view);
template void Fields::field(std::string_view, std::string&, const Rule&, std::string_view);
template void Fields::field(std::string_view, std::vector<int64_t>&, const Rule&, std::string_view);
template void Fields::field(std::string_view, std::vector<double>&, const Rule&, std::string_view);
template void Fields::field(std::string_view, std::optional<std::vector<double>>&, const Rule&,
                            std::string_view);
template void Fields::field(std::string_view, EmbeddingDim&, const Rule&, std::string_view);

void Fields::choice(std::string_view name, std::span<const std::string_view> names,
                    std::function<std::size_t()> get, std::function<void(std::size_t)> set, const Rule& rule,
                    std::string_view help) {
  Field field;
  field.key = prefix_ + std::string(name);
  field.takes = listed(names);
  field.help = help;
  field.main = rule.main;
  field.write = [names, get] { return std::string(names[get()]); };
  field.read = [names, set](const YAML::Node& node) -> Problem {
    const auto found = node.IsScalar() ? std::ranges::find(names, node.Scalar()) : names.end();
    if (found == names.end()) return not_among(node, names);
    set(static_cast<std::size_t>(found - names.begin()));
    return std::nullopt;
  };
  fields_.push_back(std::move(field));
}

const Field* Fields::find(std::string_view key) const {
  const auto found = std::ranges::find(fields_, key, &Field::key);
  return found == fields_.end() ? nullptr : &*found;
}

const Section* Fields::find_section(std::string_view key) const {
  const auto found = std::ranges::find(sections_, key, &Section::key);
  return found == sections_.end() ? nullptr : &*found;
}

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> keys;
  for (const Field& field : fields_) keys.push_back(field.key);
  for (const Section& section : sections_) keys.push_back(section.key);
  return keys;
}

}  // namespace ncf
