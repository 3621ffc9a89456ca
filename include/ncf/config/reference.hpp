#pragma once
/// What users read about keys: the reference page and the short list of --help.

#include <string>

namespace ncf {

/// docs/reference.md: every key with what it takes, its default and its help.
std::string reference_page();

/// The main keys for --help, a few lines each at most 100 columns wide.
std::string main_keys();

}  // namespace ncf
