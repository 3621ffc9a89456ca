#include "hdf5_driver.hpp"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "ncf/util/error.hpp"

namespace ncf::detail {
namespace {

/// What an access property list carries for the driver. HDF5 copies it byte by byte.
struct DriverInfo {
  WriteStatus* status;
};

/// HDF5 takes a pointer to the first member for a pointer to the whole.
struct CheckedFile {
  H5FD_t base;
  WriteStatus* status;
  int fd;
  haddr_t eoa;  // end of what HDF5 has allocated
  haddr_t eof;  // end of what has been written
};

CheckedFile& checked(H5FD_t* file) {
  return *reinterpret_cast<CheckedFile*>(file);
}
const CheckedFile& checked(const H5FD_t* file) {
  return *reinterpret_cast<const CheckedFile*>(file);
}

bool silent(const CheckedFile& file) {
  return file.status->error != 0 || file.status->abandon;
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t fapl, haddr_t) {
  const auto* info = static_cast<const DriverInfo*>(H5Pget_driver_info(fapl));
  if (info == nullptr) return nullptr;
  int mode = O_RDWR | O_CLOEXEC;
  if (flags & H5F_ACC_TRUNC) mode |= O_TRUNC;
  if (flags & H5F_ACC_CREAT) mode |= O_CREAT;
  if (flags & H5F_ACC_EXCL) mode |= O_EXCL;
  const int fd = ::open(name, mode, 0666);
  struct stat s {};
  if (fd < 0 || ::fstat(fd, &s) != 0) {
    info->status->error = errno;
    if (fd >= 0) ::close(fd);
    return nullptr;
  }
  auto file = std::make_unique<CheckedFile>();
  file->status = info->status;
  file->fd = fd;
  file->eof = static_cast<haddr_t>(s.st_size);
  return &file.release()->base;
}

herr_t close_file(H5FD_t* base) {
  const std::unique_ptr<CheckedFile> file(&checked(base));
  if (::close(file->fd) != 0 && errno != EINTR && !silent(*file)) file->status->error = errno;
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) {
  return checked(file).eoa;
}
haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) {
  return checked(file).eof;
}
herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  checked(file).eoa = end;
  return 0;
}

herr_t get_handle(H5FD_t* file, hid_t, void** handle) {
  *handle = &checked(file).fd;
  return 0;
}

/// What lies past the end, or was given up, reads as zeros.
herr_t read_bytes(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t at, size_t size, void* out) {
  const auto& file = checked(base);
  auto* to = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t n = ::pread(file.fd, to, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    to += n;
    at += static_cast<haddr_t>(n);
    size -= static_cast<size_t>(n);
  }
  std::memset(to, 0, size);
  return 0;
}

herr_t write_bytes(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t at, size_t size, const void* values) {
  auto& file = checked(base);
  const auto* from = static_cast<const char*>(values);
  while (size > 0 && !silent(file)) {
    const ssize_t n = ::pwrite(file.fd, from, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      file.status->error = n == 0 ? ENOSPC : errno;
      break;
    }
    from += n;
    at += static_cast<haddr_t>(n);
    size -= static_cast<size_t>(n);
  }
  file.eof = std::max(file.eof, at + size);
  return 0;
}

herr_t truncate(H5FD_t* base, hid_t, hbool_t) {
  auto& file = checked(base);
  if (file.eoa == file.eof) return 0;
  if (!silent(file) && ::ftruncate(file.fd, static_cast<off_t>(file.eoa)) != 0) file.status->error = errno;
  file.eof = file.eoa;
  return 0;
}

H5FD_class_t driver_class() {
  H5FD_class_t driver{};
#if H5_VERSION_GE(1, 13, 0)
  driver.version = H5FD_CLASS_VERSION;
  driver.value = static_cast<H5FD_class_value_t>(600);  // from the range for private drivers
#endif
  driver.name = "ncf_checked";
  driver.maxaddr = (haddr_t{1} << 62) - 1;
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.fapl_size = sizeof(DriverInfo);
  driver.open = open_file;
  driver.close = close_file;
  driver.query = query;
  driver.get_eoa = get_eoa;
  driver.set_eoa = set_eoa;
  driver.get_eof = get_eof;
  driver.get_handle = get_handle;
  driver.read = read_bytes;
  driver.write = write_bytes;
  driver.truncate = truncate;
  const H5FD_mem_t map[] = H5FD_FLMAP_DICHOTOMY;
  std::ranges::copy(map, driver.fl_map);
  return driver;
}

hid_t driver_id() {
  static const hid_t id = [] {
    // A limit on file sizes (ulimit -f) is then an error like a full disk, not the death of the process.
    if (const auto before = std::signal(SIGXFSZ, SIG_IGN); before != SIG_DFL) std::signal(SIGXFSZ, before);
    static const H5FD_class_t driver = driver_class();
    return H5FDregister(&driver);
  }();
  return id;
}

}  // namespace

void use_checked_driver(hid_t fapl, WriteStatus& status) {
  const DriverInfo info{&status};
  if (driver_id() < 0 || H5Pset_driver(fapl, driver_id(), &info) < 0)
    throw Error(ErrorKind::internal, "HDF5 does not take the file driver");
}

}  // namespace ncf::detail
