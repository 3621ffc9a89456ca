#include "app/numbers.hpp"

#include <charconv>
#include <cmath>

#include "ncf/util/error.hpp"

namespace ncf::app {

double number_flag(const CommandLine& line, const std::string& flag, double otherwise,
                   const std::string& takes) {
  const auto found = line.flags.find(flag);
  if (found == line.flags.end()) return otherwise;
  const std::string& text = found->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value <= 0)
    throw Error(ErrorKind::usage, "command line: --" + flag + " takes " + takes + ", not '" + text + "'",
                true);
  return value;
}

}  // namespace ncf::app
