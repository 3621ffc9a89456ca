// What the harness cannot do without HDF5 and xxHash:
//
//   values FILE             a line for every dataset: name, shape, digest of its values. Two files hold the
//   same if the
//                           lines are the same, however they are laid out; virtual datasets are read through
//   digest                  the digest of standard input, as manifests give it
//   set FILE NAME INTEGER   overwrites an attribute of the root group
#define H5_USE_110_API  // later versions call the same things by other names
#include <hdf5.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "ncf/io/digest.hpp"

namespace {

std::string digest_of_values(hid_t dataset, hid_t space) {
  const hid_t type = H5Dget_type(dataset);
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space));
  std::string values;
  herr_t read = 0;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> texts(count);
    read = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
    for (std::size_t k = 0; read >= 0 && k < count; ++k) values.append(texts[k]).push_back('\0');
  } else {
    values.resize(count * H5Tget_size(type));
    read = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }
  H5Tclose(type);
  return read < 0 ? "unreadable" : ncf::digest_of(values);
}

herr_t print_dataset(hid_t file, const char* name, const H5O_info_t* info, void*) {
  if (info->type != H5O_TYPE_DATASET) return 0;
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  std::vector<hsize_t> shape(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  std::printf("%s", name);
  for (const hsize_t n : shape) std::printf(" %llu", static_cast<unsigned long long>(n));
  std::printf(" %s\n", digest_of_values(dataset, space).c_str());
  H5Sclose(space);
  H5Dclose(dataset);
  return 0;
}

int print_values(const char* path) {
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return 1;
  const herr_t done = H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, print_dataset, nullptr);
  return H5Fclose(file) < 0 || done < 0 ? 1 : 0;
}

int set_attribute(const char* path, const char* name, long value) {
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) return 1;
  const hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  const herr_t done = H5Awrite(attribute, H5T_NATIVE_LONG, &value);
  H5Aclose(attribute);
  return H5Fclose(file) < 0 || done < 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "values" && argc == 3) return print_values(argv[2]);
  if (what == "set" && argc == 5) return set_attribute(argv[2], argv[3], std::atol(argv[4]));
  if (what != "digest" || argc != 2) return 2;
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  std::printf("%s\n", ncf::digest_of(input).c_str());
  return 0;
}
