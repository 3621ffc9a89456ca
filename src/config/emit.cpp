#include "ncf/config/emit.hpp"

#include <algorithm>

namespace ncf {

std::string to_yaml(const Config& config) {
  Config copy = config;
  const Fields fields(copy);
  std::string text;
  std::string open;  // the section whose keys are being written, with its dot
  for (const Field& field : fields.all()) {
    const std::size_t dot = field.key.rfind('.');
    const auto depth = static_cast<std::size_t>(std::count(field.key.begin(), field.key.end(), '.'));
    const std::string section = field.key.substr(0, dot + 1);
    if (section != open) {
      const std::size_t outer = section.rfind('.', dot - 1);
      const std::size_t start = outer == std::string::npos ? 0 : outer + 1;
      text += std::string(2 * (depth - 1), ' ') + section.substr(start, dot - start) + ":\n";
      open = section;
    }
    text += std::string(2 * depth, ' ') + field.key.substr(dot + 1) + ": " + field.write() + "\n";
  }
  return text;
}

}  // namespace ncf
