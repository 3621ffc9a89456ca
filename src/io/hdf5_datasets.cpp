// The datasets of a file: made, filled, read.
#include <algorithm>
#include <cstring>

#include "hdf5_handle.hpp"
#include "ncf/util/narrow.hpp"

namespace ncf {
using namespace detail;
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

Handle make_space(const Shape& shape, const Place& place) {
  std::vector<hsize_t> sizes;
  for (const int64_t n : shape) sizes.push_back(narrow<hsize_t>(n));
  return place.own(H5Screate_simple(narrow<int>(sizes.size()), sizes.data(), nullptr), "make its shape");
}

/// Without times of making, equal contents are equal files.
void keep_no_times(hid_t properties, const Place& place) {
  place.check(H5Pset_obj_track_times(properties, false), "make it");
}

void make_groups(const Place& place) {
  const Handle properties = place.own(H5Pcreate(H5P_GROUP_CREATE), "make its group");
  keep_no_times(properties, place);
  for (auto end = place.name.find('/', 1); end != std::string::npos; end = place.name.find('/', end + 1)) {
    const std::string group = place.name.substr(0, end);
    if (place.check(H5Lexists(place.impl.file, group.c_str(), H5P_DEFAULT), "look its group up") == 0)
      place.own(H5Gcreate2(place.impl.file, group.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT),
                "make its group");
  }
}

Handle make_dataset(const Place& place, hid_t type, hid_t space, hid_t properties) {
  make_groups(place);
  keep_no_times(properties, place);
  const Handle links = place.own(H5Pcreate(H5P_LINK_CREATE), "make it");
  place.check(H5Pset_char_encoding(links, H5T_CSET_UTF8), "make it");
  return place.own(
      H5Dcreate2(place.impl.file, place.name.c_str(), type, space, links, properties, H5P_DEFAULT),
      "make it");
}

/// One block in the file, reserved at once and not filled: every value will be written.
Handle make_contiguous(const Place& place, hid_t type, const Shape& shape) {
  const Handle properties = place.own(H5Pcreate(H5P_DATASET_CREATE), "make it");
  place.check(H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY), "make it");
  place.check(H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER), "make it");
  return make_dataset(place, type, make_space(shape, place), properties);
}

Handle open_dataset(const Place& place) {
  return place.own(H5Dopen2(place.impl.file, place.name.c_str(), H5P_DEFAULT), "open it");
}

template <Hdf5Number T>
Handle open_typed(const Place& place) {
  Handle id = open_dataset(place);
  const Handle type = place.own(H5Dget_type(id), "find its type");
  if (place.check(H5Tequal(type, file_type<T>()), "find its type") == 0)
    place.fail("is " + describe_type(type) + ", expected " + type_name<T>());
  return id;
}

/// The memory of a matrix whose rows may lie apart.
template <class T>
Handle memory_space(BasicMatrixView<T> view, const Place& place) {
  Handle space = make_space({view.rows, std::max(view.stride, view.cols)}, place);
  const hsize_t start[] = {0, 0};
  const hsize_t count[] = {narrow<hsize_t>(view.rows), narrow<hsize_t>(view.cols)};
  place.check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr),
              "select rows in memory");
  return space;
}

/// Selects `count` rows first, first + stride, … of a dataset with one or two dimensions.
Handle file_rows(hid_t dataset, const Shape& shape, int64_t first, int64_t stride, int64_t count,
                 const Place& place) {
  Handle space = place.own(H5Dget_space(dataset), "find its shape");
  const hsize_t start[] = {narrow<hsize_t>(first), 0};
  const hsize_t step[] = {narrow<hsize_t>(stride), 1};
  const hsize_t counts[] = {narrow<hsize_t>(count), shape.size() == 2 ? narrow<hsize_t>(shape[1]) : 1};
  place.check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, step, counts, nullptr), "select rows");
  return space;
}

/// Rows of `shape` that a selection names must exist, and be `cols` wide.
void check_rows(const Shape& shape, int64_t first, int64_t stride, int64_t count, int64_t cols,
                const Place& place) {
  const bool one = shape.size() == 1 && cols == 1;
  const bool two = shape.size() == 2 && shape[1] == cols;
  if (!one && !two)
    place.fail("has shape " + to_string(shape) + ", expected rows of " + std::to_string(cols));
  if (count > 0 && (first < 0 || stride < 1 || first + (count - 1) * stride >= shape[0]))
    place.fail("has " + std::to_string(shape[0]) + " rows, asked for row " +
               std::to_string(first + (count - 1) * stride));
}

}  // namespace

Shape Hdf5File::shape(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  return shape_of(open_dataset(place), place);
}

bool Hdf5File::holds_strings(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle id = open_dataset(place);
  const Handle type = place.own(H5Dget_type(id), "find its type");
  return H5Tget_class(type) == H5T_STRING;
}

template <Hdf5Number T>
void Hdf5File::make(const std::string& name, const Shape& shape) {
  const Lock lock(hdf5_mutex());
  make_contiguous({path_, *impl_, name}, file_type<T>(), shape);
}

template <Hdf5Number T>
void Hdf5File::write(const std::string& name, std::span<const T> values, const Shape& shape) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  int64_t size = 1;
  for (const int64_t n : shape) size *= n;
  if (size != std::ssize(values))
    throw Error(ErrorKind::internal,
                name + ": " + std::to_string(values.size()) + " values for shape " + to_string(shape));
  const Handle id = make_contiguous(place, file_type<T>(), shape);
  if (values.empty()) return;
  place.check(H5Dwrite(id, memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "write it");
}

template <Hdf5Number T>
void Hdf5File::write_matrix(const std::string& name, BasicMatrixView<const T> rows, bool one_dimension) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  if (one_dimension && rows.cols != 1) throw Error(ErrorKind::internal, name + ": a column was expected");
  const Shape shape = one_dimension ? Shape{rows.rows} : Shape{rows.rows, rows.cols};
  const Handle id = make_contiguous(place, file_type<T>(), shape);
  if (rows.rows == 0 || rows.cols == 0) return;
  const Handle memory = memory_space(rows, place);
  const Handle file = file_rows(id, shape, 0, 1, rows.rows, place);
  place.check(H5Dwrite(id, memory_type<T>(), memory, file, H5P_DEFAULT, rows.data), "write it");
}

template <Hdf5Number T>
void Hdf5File::write_part(const std::string& name, int64_t first, std::span<const T> values) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle id = open_typed<T>(place);
  const Shape shape = shape_of(id, place);
  check_rows(shape, first, 1, std::ssize(values), 1, place);
  if (values.empty()) return;
  const Handle memory = make_space({std::ssize(values)}, place);
  const Handle file = file_rows(id, shape, first, 1, std::ssize(values), place);
  place.check(H5Dwrite(id, memory_type<T>(), memory, file, H5P_DEFAULT, values.data()), "write it");
}

void Hdf5File::write_strings(const std::string& name, const std::vector<std::string>& values) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  std::size_t longest = 1;
  for (const auto& value : values) {
    if (value.find('\0') != std::string::npos)
      place.fail("the text of entry " + std::to_string(&value - values.data()) +
                 " has a zero byte in it, which marks the end of a text");
    longest = std::max(longest, value.size());
  }
  const Handle type = string_type(longest, place);
  const Handle id = make_contiguous(place, type, {std::ssize(values)});
  // In blocks: padded to the longest, all texts together may take much more room than they do.
  const int64_t block = std::max<int64_t>(1, (int64_t{1} << 22) / narrow<int64_t>(longest));
  std::string padded;
  for (int64_t first = 0; first < std::ssize(values); first += block) {
    const int64_t count = std::min(block, std::ssize(values) - first);
    padded.assign(static_cast<std::size_t>(count) * longest, '\0');
    for (int64_t i = 0; i < count; ++i) {
      const auto& value = values[static_cast<std::size_t>(first + i)];
      std::memcpy(padded.data() + static_cast<std::size_t>(i) * longest, value.data(), value.size());
    }
    const Handle memory = make_space({count}, place);
    const Handle file = file_rows(id, {std::ssize(values)}, first, 1, count, place);
    place.check(H5Dwrite(id, type, memory, file, H5P_DEFAULT, padded.data()), "write it");
  }
}

template <Hdf5Number T>
void Hdf5File::write_virtual(const std::string& name, const Shape& shape,
                             const std::vector<VirtualPart>& parts, T missing) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle properties = place.own(H5Pcreate(H5P_DATASET_CREATE), "make it");
  place.check(H5Pset_fill_value(properties, memory_type<T>(), &missing), "make it");
  const hsize_t width = shape.size() == 2 ? narrow<hsize_t>(shape[1]) : 1;
  const Handle whole = make_space(shape, place);
  for (const auto& part : parts) {
    if (part.rows == 0 || width == 0) continue;
    const hsize_t start[] = {narrow<hsize_t>(part.first), 0};
    const hsize_t stride[] = {narrow<hsize_t>(part.stride), std::max<hsize_t>(width, 1)};
    const hsize_t count[] = {narrow<hsize_t>(part.rows), 1};
    const hsize_t row[] = {1, width};
    place.check(H5Sselect_hyperslab(whole, H5S_SELECT_SET, start, stride, count, row), "select rows");
    Shape source = shape;
    source[0] = part.rows;
    const Handle space = make_space(source, place);
    place.check(H5Pset_virtual(properties, whole, part.file.c_str(), part.name.c_str(), space),
                "join its parts");
  }
  make_dataset(place, file_type<T>(), make_space(shape, place), properties);
}

template <Hdf5Number T>
std::vector<T> Hdf5File::read(const std::string& name) const {
  const Shape found = shape(name);
  if (found.size() != 1)
    Place{path_, *impl_, name}.fail("has shape " + to_string(found) + ", expected one dimension");
  return read_part<T>(name, 0, found[0]);
}

std::vector<std::string> Hdf5File::read_strings(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle id = open_dataset(place);
  const Handle type = place.own(H5Dget_type(id), "find its type");
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0)
    place.fail("is " + describe_type(type) + ", expected text of fixed length");
  const Shape found = shape_of(id, place);
  if (found.size() != 1) place.fail("has shape " + to_string(found) + ", expected one dimension");
  const std::size_t size = H5Tget_size(type);
  const int64_t block = std::max<int64_t>(1, (int64_t{1} << 22) / narrow<int64_t>(size));
  std::vector<std::string> values;
  values.reserve(static_cast<std::size_t>(found[0]));
  std::string padded;
  for (int64_t first = 0; first < found[0]; first += block) {
    const int64_t count = std::min(block, found[0] - first);
    padded.resize(static_cast<std::size_t>(count) * size);
    const Handle memory = make_space({count}, place);
    const Handle file = file_rows(id, found, first, 1, count, place);
    place.check(H5Dread(id, type, memory, file, H5P_DEFAULT, padded.data()), "read it");
    for (int64_t i = 0; i < count; ++i)
      values.push_back(unpadded(padded.data() + static_cast<std::size_t>(i) * size, size));
  }
  return values;
}

template <Hdf5Number T>
void Hdf5File::read(const std::string& name, const Shape& shape, std::span<T> out) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle id = open_typed<T>(place);
  const Shape found = shape_of(id, place);
  if (found != shape) place.fail("has shape " + to_string(found) + ", expected " + to_string(shape));
  if (out.empty()) return;
  place.check(H5Dread(id, memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()), "read it");
}

template <Hdf5Number T>
void Hdf5File::read_rows(const std::string& name, int64_t first, int64_t stride,
                         BasicMatrixView<T> out) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle id = open_typed<T>(place);
  const Shape found = shape_of(id, place);
  check_rows(found, first, stride, out.rows, out.cols, place);
  if (out.rows == 0 || out.cols == 0) return;
  const Handle memory = memory_space(out, place);
  const Handle file = file_rows(id, found, first, stride, out.rows, place);
  place.check(H5Dread(id, memory_type<T>(), memory, file, H5P_DEFAULT, out.data), "read it");
}

template <Hdf5Number T>
std::vector<T> Hdf5File::read_part(const std::string& name, int64_t first, int64_t count) const {
  std::vector<T> values(static_cast<std::size_t>(count));
  read_rows(name, first, 1, BasicMatrixView<T>(values.data(), count, 1));
  return values;
}

#define NCF_INSTANTIATE(T)                                                                                  \
  template void Hdf5File::make<T>(const std::string& name, const Shape& shape);                             \
  template void Hdf5File::write<T>(const std::string& name, std::span<const T> values, const Shape& shape); \
  template void Hdf5File::write_matrix<T>(const std::string& name, BasicMatrixView<const T> rows,           \
                                          bool one_dimension);                                              \
  template void Hdf5File::write_part<T>(const std::string& name, int64_t first, std::span<const T> values); \
  template void Hdf5File::write_virtual<T>(const std::string& name, const Shape& shape,                     \
                                           const std::vector<VirtualPart>& parts, T missing);               \
  template std::vector<T> Hdf5File::read<T>(const std::string& name) const;                                 \
  template void Hdf5File::read<T>(const std::string& name, const Shape& shape, std::span<T> out) const;     \
  template void Hdf5File::read_rows<T>(const std::string& name, int64_t first, int64_t stride,              \
                                       BasicMatrixView<T> out) const;                                       \
  template std::vector<T> Hdf5File::read_part<T>(const std::string& name, int64_t first, int64_t count) const;
NCF_INSTANTIATE(float)
NCF_INSTANTIATE(double)
NCF_INSTANTIATE(int64_t)
NCF_INSTANTIATE(uint64_t)
NCF_INSTANTIATE(int32_t)
NCF_INSTANTIATE(uint8_t)
#undef NCF_INSTANTIATE

}  // namespace ncf
