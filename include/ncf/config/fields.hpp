#pragma once
/// The declaration of the configuration, made by the describe() functions of config.hpp: every key once, with
/// its bounds and its help, tied to the value it sets. Whatever is done with keys (reading YAML and flags,
/// --help, the reference page, the echo into config.yaml) is a loop over a Fields.

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace YAML {
class Node;
}

namespace ncf {

/// What a value may be; of a list, what each element may be.
struct Rule {
  std::optional<double> min{};              ///< at least
  std::optional<double> above{};            ///< strictly more
  std::optional<double> max{};              ///< at most
  std::optional<double> below{};            ///< strictly less
  std::vector<std::string_view> choices{};  ///< text: one of these
  bool automatic = false;                   ///< an integer whose 0 is written `auto`
  bool required = false;                    ///< text that may not be empty
  bool main = false;                        ///< one of the keys that --help shows
};

struct Field {
  std::string key;    ///< "train.epochs"
  std::string takes;  ///< "an integer of at least 1"
  std::string help;
  bool main = false;
  bool is_text = false;  ///< a flag's value is taken as it stands, not as YAML
  /// The value as YAML on one line. Reading it back gives the same value.
  std::function<std::string()> write;
  /// Sets the value. Returns what is wrong with the node, or nothing; then the value is as before.
  std::function<std::optional<std::string>(const YAML::Node&)> read;
};

struct Section {
  std::string key;  ///< "data.csv"
  std::string help;
};

/// The fields of one configuration, in the order of their declaration. It refers to the configuration it was
/// made of.
class Fields {
 public:
  template <class Root>
  explicit Fields(Root& root) {
    root.describe(*this);
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  template <class S>
  void section(std::string_view name, S& values, std::string_view help) {
    const std::string outer = prefix_;
    sections_.push_back({outer + std::string(name), std::string(help)});
    prefix_ = sections_.back().key + ".";
    values.describe(*this);
    prefix_ = outer;
  }

  /// For the types that values.hpp (src/config) reads and writes.
  template <class T>
  requires(!std::is_enum_v<T>) void field(std::string_view name, T& value, const Rule& rule,
                                          std::string_view help);

  /// An enum whose enumerators are 0, 1, 2, … and named, in that order, by names(E).
  template <class E>
  requires std::is_enum_v<E>
  void field(std::string_view name, E& value, const Rule& rule, std::string_view help) {
    choice(
        name, names(E{}), [&value] { return static_cast<std::size_t>(value); },
        [&value](std::size_t i) { value = static_cast<E>(i); }, rule, help);
  }

  const std::vector<Field>& all() const { return fields_; }
  const std::vector<Section>& sections() const { return sections_; }
  /// The field or section of this name, or null.
  const Field* find(std::string_view key) const;
  const Section* find_section(std::string_view key) const;
  /// Every key and section, for "the nearest is".
  std::vector<std::string> keys() const;

 private:
  void choice(std::string_view name, std::span<const std::string_view> names,
              std::function<std::size_t()> get, std::function<void(std::size_t)> set, const Rule& rule,
              std::string_view help);

  std::string prefix_;
  std::vector<Field> fields_;
  std::vector<Section> sections_;
};

}  // namespace ncf
