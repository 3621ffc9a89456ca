#pragma once
/// How the types of configuration values are written in YAML, read from it, and described. An overload a
/// type:
///
///   write     the value on one line, such that reading it gives the value back to the last bit
///   read      sets the value from a node; returns what is wrong with the node, or nothing, and then sets
///   nothing takes     what may be written: "an integer of at least 1"

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ncf/config/config.hpp"

namespace ncf {

using Problem = std::optional<std::string>;

std::string write(bool value, const Rule&);
std::string write(int64_t value, const Rule&);
std::string write(double value, const Rule&);
std::string write(const std::string& value, const Rule&);
std::string write(const std::vector<int64_t>& value, const Rule&);
std::string write(const std::vector<double>& value, const Rule&);
std::string write(const std::optional<std::vector<double>>& value, const Rule&);
std::string write(const EmbeddingDim& value, const Rule&);

Problem read(const YAML::Node&, bool& value, const Rule&);
Problem read(const YAML::Node&, int64_t& value, const Rule&);
Problem read(const YAML::Node&, double& value, const Rule&);
Problem read(const YAML::Node&, std::string& value, const Rule&);
Problem read(const YAML::Node&, std::vector<int64_t>& value, const Rule&);
Problem read(const YAML::Node&, std::vector<double>& value, const Rule&);  // a number: a list of one
Problem read(const YAML::Node&, std::optional<std::vector<double>>& value,
             const Rule&);  // [low, high] or none
Problem read(const YAML::Node&, EmbeddingDim& value, const Rule&);

std::string takes(const bool&, const Rule&);
std::string takes(const int64_t&, const Rule&);
std::string takes(const double&, const Rule&);
std::string takes(const std::string&, const Rule&);
std::string takes(const std::vector<int64_t>&, const Rule&);
std::string takes(const std::vector<double>&, const Rule&);
std::string takes(const std::optional<std::vector<double>>&, const Rule&);
std::string takes(const EmbeddingDim&, const Rule&);

/// A node as it would stand in a message: one line, not too long.
std::string shown(const YAML::Node&);
/// "a, b or c"
std::string listed(std::span<const std::string_view> words);
/// What is wrong with a node that is none of these words.
std::string not_among(const YAML::Node&, std::span<const std::string_view> words);

}  // namespace ncf
