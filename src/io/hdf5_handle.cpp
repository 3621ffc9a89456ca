#include "hdf5_handle.hpp"

#include <cstring>

#include "ncf/io/durable.hpp"
#include "ncf/util/narrow.hpp"

namespace ncf::detail {
namespace {

herr_t keep_innermost(unsigned n, const H5E_error2_t* error, void* text) {
  if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

}  // namespace

std::recursive_mutex& hdf5_mutex() {
  static std::recursive_mutex mutex;
  // Errors are reported once, by whoever catches ours; HDF5 by itself would print its stack.
  static const herr_t quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  static_cast<void>(quiet);
  return mutex;
}

std::string hdf5_error_text() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  return text.empty() ? "HDF5 gives no reason" : text;
}

void Place::fail(const std::string& what) const {
  throw Error(impl.kind, path + (name.empty() ? "" : ": " + name) + ": " + what);
}

void Place::throw_write_error() const {
  throw_system_error(impl.kind, "write", path, impl.status.error);
}

// clang-format off
template <> hid_t file_type<float>() { return H5T_IEEE_F32LE; }
template <> hid_t file_type<double>() { return H5T_IEEE_F64LE; }
template <> hid_t file_type<int64_t>() { return H5T_STD_I64LE; }
template <> hid_t file_type<uint64_t>() { return H5T_STD_U64LE; }
template <> hid_t file_type<int32_t>() { return H5T_STD_I32LE; }
template <> hid_t file_type<uint8_t>() { return H5T_STD_U8LE; }
template <> hid_t memory_type<float>() { return H5T_NATIVE_FLOAT; }
template <> hid_t memory_type<double>() { return H5T_NATIVE_DOUBLE; }
template <> hid_t memory_type<int64_t>() { return H5T_NATIVE_INT64; }
template <> hid_t memory_type<uint64_t>() { return H5T_NATIVE_UINT64; }
template <> hid_t memory_type<int32_t>() { return H5T_NATIVE_INT32; }
template <> hid_t memory_type<uint8_t>() { return H5T_NATIVE_UINT8; }
template <> const char* type_name<float>() { return "float32"; }
template <> const char* type_name<double>() { return "float64"; }
template <> const char* type_name<int64_t>() { return "int64"; }
template <> const char* type_name<uint64_t>() { return "uint64"; }
template <> const char* type_name<int32_t>() { return "int32"; }
template <> const char* type_name<uint8_t>() { return "uint8"; }
// clang-format on

std::string describe_type(hid_t type) {
  const std::string bits = std::to_string(8 * H5Tget_size(type));
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + bits;
    case H5T_FLOAT:
      return "float" + bits;
    case H5T_STRING:
      return "text";
    default:
      return "another type";
  }
}

Shape shape_of(hid_t dataset, const Place& place) {
  const Handle space = place.own(H5Dget_space(dataset), "find the shape");
  const int rank = place.check(H5Sget_simple_extent_ndims(space), "find the shape");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  place.check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), "find the shape");
  Shape shape;
  for (const hsize_t n : sizes) shape.push_back(narrow<int64_t>(n));
  return shape;
}

Handle string_type(std::size_t size, const Place& place) {
  Handle type = place.own(H5Tcopy(H5T_C_S1), "make a string type");
  place.check(H5Tset_size(type, size == 0 ? 1 : size), "make a string type");
  place.check(H5Tset_cset(type, H5T_CSET_UTF8), "make a string type");
  place.check(H5Tset_strpad(type, H5T_STR_NULLPAD), "make a string type");
  return type;
}

std::string unpadded(const char* data, std::size_t size) {
  return std::string(data, ::strnlen(data, size));
}

}  // namespace ncf::detail
