#include "ncf/config/reference.hpp"

#include <algorithm>
#include <sstream>

#include "ncf/config/config.hpp"

namespace ncf {
namespace {

constexpr const char* introduction = R"(# Configuration keys

<!-- Written by `ncf_dist config --reference`; a test keeps it so. -->

A key stands in a YAML file (`--config FILE`), indented below its section, or on the command line as a flag:

```yaml
train:
  epochs: 10
model:
  hidden: [100, 50]
```

    ncf_dist --config ml.yaml --train.epochs 10 --model.hidden '[100, 50]'

The command line beats the file, the file beats the default. `ncf_dist config` with the same arguments prints the
configuration they make, which every run also leaves in `RUN/config.yaml`. A key that does not exist, stands twice, or
has a value that it does not take is an error (exit code 2); a key that has no effect beside the others is a warning.
)";

/// Inside a table a bar would end the cell.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
  return text;
}

std::string section_of(const std::string& key) {
  return key.substr(0, key.rfind('.'));
}

/// Breaks text into lines of at most `width` columns; all but the first start with `indent`.
std::string wrapped(const std::string& text, std::size_t width, const std::string& indent) {
  std::istringstream words(text);
  std::string out, word;
  std::size_t column = 0;
  while (words >> word) {
    if (column > 0 && column + 1 + word.size() > width) {
      out += "\n" + indent;
      column = 0;
    }
    out += (column == 0 ? "" : " ") + word;
    column += (column == 0 ? 0 : 1) + word.size();
  }
  return out;
}

}  // namespace

std::string reference_page() {
  Config defaults;
  const Fields fields(defaults);
  std::string page = introduction;
  for (const Section& section : fields.sections()) {
    page += "\n## " + section.key + "\n\n" + section.help +
            "\n\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n";
    for (const Field& field : fields.all())
      if (section_of(field.key) == section.key)
        page += "| `" + field.key + "` | " + cell(field.takes) + " | `" + cell(field.write()) + "` | " +
                cell(field.help) + " |\n";
  }
  return page;
}

std::string main_keys() {
  Config defaults;
  const Fields fields(defaults);
  constexpr std::size_t left = 28, width = 100;
  std::string text;
  for (const Field& field : fields.all()) {
    if (!field.main) continue;
    const std::string name = "  --" + field.key;
    std::string help = field.help + " [" + field.write() + "]";
    std::erase(help, '`');
    text += name + std::string(left - std::min(left - 1, name.size()), ' ') +
            wrapped(help, width - left, std::string(left, ' ')) + "\n";
  }
  return text;
}

}  // namespace ncf
