#pragma once
/// Reading and writing one value of a field. read() throws Mismatch saying what was expected.

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

#include "ncf/config/config.hpp"

namespace ncf {

struct Mismatch {
  std::string expected;
};

/// The names of an enumeration, in the order of its values.
template <class E>
struct EnumNames;

#define NCF_ENUM_NAMES(TYPE, ...)                            \
  template <>                                                \
  struct EnumNames<TYPE> {                                   \
    static inline const std::vector<std::string> names = {__VA_ARGS__}; \
  }
NCF_ENUM_NAMES(DataFormat, "auto", "movielens-100k", "movielens-dat", "movielens-csv", "csv", "hdf5", "he-ncf");
NCF_ENUM_NAMES(SplitKind, "random", "leave_one_out", "given");
NCF_ENUM_NAMES(VocabularyKind, "train", "all");
NCF_ENUM_NAMES(Duplicates, "last", "first", "mean", "error");
NCF_ENUM_NAMES(ModelKind, "neural", "dot");
NCF_ENUM_NAMES(OptimizerKind, "adamw", "sgd");
NCF_ENUM_NAMES(ScheduleKind, "one_cycle", "cosine", "step", "constant");
NCF_ENUM_NAMES(EmbeddingUpdate, "lazy", "dense");
#undef NCF_ENUM_NAMES

/// An integer for which 0 is written "auto".
struct AutoInteger {
  int64_t& value;
};

void read(const YAML::Node& node, std::string& out);
void read(const YAML::Node& node, bool& out);
void read(const YAML::Node& node, int64_t& out);
void read(const YAML::Node& node, double& out);
void read(const YAML::Node& node, AutoInteger out);
void read(const YAML::Node& node, std::vector<int64_t>& out);
void read(const YAML::Node& node, std::vector<double>& out);  // a number is a list of one
void read(const YAML::Node& node, std::optional<std::vector<double>>& out);
void read(const YAML::Node& node, EmbeddingDim& out);
[[noreturn]] void mismatch_enum(const std::string& got, const std::vector<std::string>& names);

template <class E>
  requires std::is_enum_v<E>
void read(const YAML::Node& node, E& out) {
  const std::string got = node.IsScalar() ? node.Scalar() : "";
  const auto& names = EnumNames<E>::names;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == got) {
      out = static_cast<E>(i);
      return;
    }
  mismatch_enum(got, names);
}

std::string write(const std::string& value);
std::string write(bool value);
std::string write(int64_t value);
std::string write(double value);
std::string write(AutoInteger value);
std::string write(const std::vector<int64_t>& value);
std::string write(const std::vector<double>& value);
std::string write(const std::optional<std::vector<double>>& value);
std::string write(const EmbeddingDim& value);
template <class E>
  requires std::is_enum_v<E>
std::string write(E value) {
  return EnumNames<E>::names[static_cast<std::size_t>(value)];
}

/// The name closest to `name`, or "" when none is near.
std::string nearest(const std::string& name, const std::vector<std::string>& among);

}  // namespace ncf
