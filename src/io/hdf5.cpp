// The file itself, what is in it, and its attributes; hdf5_datasets.cpp has the datasets.
#include "ncf/io/hdf5.hpp"

#include "hdf5_handle.hpp"
#include "ncf/io/durable.hpp"

namespace ncf {
using namespace detail;
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;
const std::string root = "/";

Handle access_properties() {
  Handle fapl(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
  // Metadata with checksums. Below 1.10 a virtual dataset would list every one of its rows (and reading it
  // take a time quadratic in them) in place of "every eighth".
  H5Pset_libver_bounds(fapl, H5F_LIBVER_V110, H5F_LIBVER_LATEST);
  // Rows that lie apart in a file are read through this buffer.
  H5Pset_sieve_buf_size(fapl, std::size_t{1} << 20);
#if H5_VERSION_GE(1, 10, 7)
  // Files are whole before they get their name and are not changed after: no locks, which some file systems
  // lack.
  H5Pset_file_locking(fapl, false, true);
#endif
  return fapl;
}

/// A file that is being written must not be closed by HDF5 unless every flush succeeds: the driver sees to
/// that.
void close_file(Hdf5File::Impl& impl) {
  if (impl.file < 0) return;
  H5Fclose(std::exchange(impl.file, H5I_INVALID_HID));
}

}  // namespace

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) text += (d == 0 ? "" : " × ") + std::to_string(shape[d]);
  return text + "]";
}

std::string hdf5_version() {
  const Lock lock(hdf5_mutex());
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

Hdf5File::Hdf5File(std::unique_ptr<Impl> impl, std::string path)
    : impl_(std::move(impl)), path_(std::move(path)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(impl_, other.impl_);
  std::swap(path_, other.path_);
  return *this;
}

Hdf5File::~Hdf5File() {
  if (!impl_) return;
  const Lock lock(hdf5_mutex());
  impl_->status.abandon = true;
  close_file(*impl_);
}

Hdf5File Hdf5File::create(const std::string& path, ErrorKind kind) {
  const Lock lock(hdf5_mutex());
  auto impl = std::make_unique<Impl>();
  impl->kind = kind;
  impl->writing = true;
  const Handle fapl = access_properties();
  use_checked_driver(fapl, impl->status);
  const Handle fcpl(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_obj_track_times(fcpl, false);  // of the root group
  impl->file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, fcpl, fapl);
  if (impl->status.error != 0) throw_system_error(kind, "write", path, impl->status.error);
  if (impl->file < 0) throw Error(kind, "cannot write " + path + ": " + hdf5_error_text());
  return {std::move(impl), path};
}

Hdf5File Hdf5File::update(const std::string& path, ErrorKind kind) {
  const Lock lock(hdf5_mutex());
  auto impl = std::make_unique<Impl>();
  impl->kind = kind;
  impl->writing = true;
  const Handle fapl = access_properties();
  use_checked_driver(fapl, impl->status);
  impl->file = H5Fopen(path.c_str(), H5F_ACC_RDWR, fapl);
  if (impl->status.error != 0) throw_system_error(kind, "write", path, impl->status.error);
  if (impl->file < 0) throw Error(kind, "cannot write " + path + ": " + hdf5_error_text());
  return {std::move(impl), path};
}

Hdf5File Hdf5File::open(const std::string& path, ErrorKind kind) {
  const Lock lock(hdf5_mutex());
  auto impl = std::make_unique<Impl>();
  impl->kind = kind;
  const Handle fapl = access_properties();
  impl->file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, fapl);
  if (impl->file < 0) throw Error(kind, "cannot read " + path + " as HDF5: " + hdf5_error_text());
  return {std::move(impl), path};
}

void Hdf5File::close() {
  {
    const Lock lock(hdf5_mutex());
    const Place place{path_, *impl_, ""};
    if (impl_->writing) place.check(H5Fflush(impl_->file, H5F_SCOPE_GLOBAL), "write");
    place.check(H5Fclose(std::exchange(impl_->file, H5I_INVALID_HID)), "close");
  }
  if (impl_->writing) sync_path(path_, impl_->kind);
  impl_.reset();
}

bool Hdf5File::has(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  // HDF5 wants every group on the way to exist before it is asked for what is inside.
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    if (part != "/" && place.check(H5Lexists(impl_->file, part.c_str(), H5P_DEFAULT), "look it up") == 0)
      return false;
    if (end == std::string::npos) return true;
  }
}

bool Hdf5File::is_group(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, name};
  const Handle id = place.own(H5Oopen(impl_->file, name.c_str(), H5P_DEFAULT), "open it");
  return H5Iget_type(id) == H5I_GROUP;
}

std::vector<std::string> Hdf5File::names_in(const std::string& group) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, group};
  const Handle id = place.own(H5Gopen2(impl_->file, group.c_str(), H5P_DEFAULT), "open the group");
  H5G_info_t info{};
  place.check(H5Gget_info(id, &info), "list the group");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto name_at = [&](char* to, std::size_t size) {
      return place.check(H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, i, to, size, H5P_DEFAULT),
                         "list the group");
    };
    std::string name(static_cast<std::size_t>(name_at(nullptr, 0)), '\0');
    name_at(name.data(), name.size() + 1);
    names.push_back(std::move(name));
  }
  return names;
}

template <Hdf5Number T>
void Hdf5File::set_attribute(const std::string& name, T value) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, "attribute " + name};
  const Handle space = place.own(H5Screate(H5S_SCALAR), "make it");
  const Handle id = place.own(H5Acreate_by_name(impl_->file, "/", name.c_str(), file_type<T>(), space,
                                                H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                              "make it");
  place.check(H5Awrite(id, memory_type<T>(), &value), "write it");
}

void Hdf5File::set_attribute(const std::string& name, const std::string& text) {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, "attribute " + name};
  const Handle space = place.own(H5Screate(H5S_SCALAR), "make it");
  const Handle type = string_type(text.size(), place);
  const Handle id = place.own(
      H5Acreate_by_name(impl_->file, "/", name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      "make it");
  place.check(H5Awrite(id, type, text.c_str()), "write it");
}

bool Hdf5File::has_attribute(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, "attribute " + name};
  return place.check(H5Aexists_by_name(impl_->file, "/", name.c_str(), H5P_DEFAULT), "look it up") > 0;
}

template <Hdf5Number T>
T Hdf5File::attribute(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, "attribute " + name};
  const Handle id = place.own(H5Aopen(impl_->file, name.c_str(), H5P_DEFAULT), "open it");
  const Handle type = place.own(H5Aget_type(id), "find its type");
  const Handle space = place.own(H5Aget_space(id), "find its shape");
  if (place.check(H5Tequal(type, file_type<T>()), "find its type") == 0 ||
      H5Sget_simple_extent_npoints(space) != 1)
    place.fail("is " + describe_type(type) + ", expected one " + type_name<T>());
  T value{};
  place.check(H5Aread(id, memory_type<T>(), &value), "read it");
  return value;
}

std::string Hdf5File::text_attribute(const std::string& name) const {
  const Lock lock(hdf5_mutex());
  const Place place{path_, *impl_, "attribute " + name};
  const Handle id = place.own(H5Aopen(impl_->file, name.c_str(), H5P_DEFAULT), "open it");
  const Handle type = place.own(H5Aget_type(id), "find its type");
  const Handle space = place.own(H5Aget_space(id), "find its shape");
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
      H5Sget_simple_extent_npoints(space) != 1)
    place.fail("is " + describe_type(type) + ", expected one text of fixed length");
  std::string text(H5Tget_size(type), '\0');
  place.check(H5Aread(id, type, text.data()), "read it");
  return unpadded(text.data(), text.size());
}

#define NCF_INSTANTIATE(T)                                                    \
  template void Hdf5File::set_attribute<T>(const std::string& name, T value); \
  template T Hdf5File::attribute<T>(const std::string& name) const;
NCF_INSTANTIATE(float)
NCF_INSTANTIATE(double)
NCF_INSTANTIATE(int64_t)
NCF_INSTANTIATE(uint64_t)
NCF_INSTANTIATE(int32_t)
NCF_INSTANTIATE(uint8_t)
#undef NCF_INSTANTIATE

}  // namespace ncf
