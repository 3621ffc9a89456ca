#include "app/help.hpp"

#include "ncf/comm/session.hpp"
#include "ncf/config/reference.hpp"
#include "ncf/io/hdf5.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/target.hpp"
#include "ncf/util/version.hpp"

namespace ncf::app {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string flag_lines(const std::vector<Flag>& flags) {
  std::string text;
  for (const Flag& flag : flags) {
    const auto comma = flag.name.find(',');
    std::string name = "--" + flag.name.substr(0, comma);
    if (comma != std::string::npos) name = "-" + flag.name.substr(comma + 1) + ", " + name;
    if (!flag.takes.empty()) name += " " + flag.takes;
    text += "  " + padded(name, 25) + " " + flag.help + "\n";
  }
  return text;
}

constexpr const char* keys_everywhere =
    "Every key of the configuration is a flag too; `ncf_dist config --reference` lists them all.\n";

}  // namespace

std::vector<Flag> common_flags(bool keys) {
  std::vector<Flag> flags;
  if (keys) flags.push_back({"config", "FILE", "read keys from a YAML file; flags beat it"});
  flags.push_back({"help,h", "", "print this; after a command, its own help"});
  flags.push_back({"version", "", "print versions and the instruction set in use"});
  return flags;
}

std::string program_help() {
  std::string text =
      "ncf_dist: distributed neural collaborative filtering on CPUs\n\nusage: ncf_dist [COMMAND] [FLAGS]\n\n";
  for (const Command& command : commands())
    text += "  " + padded(command.name, 25) + " " + command.summary + "\n";
  text += "\n" + flag_lines(common_flags()) + "\n" + keys_everywhere + R"(
  mpirun -n 2 ncf_dist                                     train on synthetic ratings
  mpirun -n 8 ncf_dist --config configs/ml-100k.yaml       train on MovieLens
  ncf_dist train --help                                    the main keys
)";
  return text;
}

std::string command_help(const Command& command) {
  const std::string operand = command.takes.operand.empty() ? "" : " " + command.takes.operand;
  std::string text =
      "usage: ncf_dist " + command.name + operand + " [FLAGS]\n\n" + command.description + "\n";
  auto flags = command.flags;
  for (const Flag& flag : common_flags(command.takes.keys)) flags.push_back(flag);
  text += flag_lines(flags);
  if (!command.takes.keys) return text;
  text += "\n";
  if (command.shows_keys) text += "The main keys, with their defaults:\n\n" + main_keys() + "\n";
  return text + keys_everywhere;
}

std::string versions() {
  return "ncf_dist " + std::string(version()) + "\nMPI: " + mpi_library_version() +
         "\noneDNN: " + onednn_version() + "\nHDF5: " + hdf5_version() +
         "\ninstruction set: " + instruction_set() + "\n";
}

}  // namespace ncf::app
