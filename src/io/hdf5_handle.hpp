#pragma once
/// What the parts of the HDF5 wrapper share: owned identifiers, HDF5's error text, the types of the files.

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

#include "hdf5_driver.hpp"
#include "ncf/io/hdf5.hpp"

namespace ncf {

/// An open file. `status` speaks of writing only.
struct Hdf5File::Impl {
  hid_t file = H5I_INVALID_HID;
  ErrorKind kind = ErrorKind::internal;
  bool writing = false;
  detail::WriteStatus status;
};

namespace detail {

/// HDF5 has one state a process and is not thread-safe as Debian builds it: every public call holds this.
std::recursive_mutex& hdf5_mutex();

/// The description of the innermost error on HDF5's stack.
std::string hdf5_error_text();

/// An owned HDF5 identifier of any sort.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// Where a call happens, for the message when it fails.
struct Place {
  const std::string& path;
  const Hdf5File::Impl& impl;
  const std::string& name;

  [[noreturn]] void fail(const std::string& what) const;
  /// Passes a result through; throws when it is negative or when a write has failed.
  template <class T>
  T check(T result, const char* verb) const {
    if (impl.status.error != 0) throw_write_error();
    if (result < 0) fail(std::string("cannot ") + verb + ": " + hdf5_error_text());
    return result;
  }
  Handle own(hid_t id, const char* verb) const { return Handle(check(id, verb)); }

 private:
  [[noreturn]] void throw_write_error() const;
};

/// The type of T in files and in memory.
template <Hdf5Number T>
hid_t file_type();
template <Hdf5Number T>
hid_t memory_type();
template <Hdf5Number T>
const char* type_name();

Shape shape_of(hid_t dataset, const Place& place);
Handle string_type(std::size_t size, const Place& place);
std::string describe_type(hid_t type);
/// Text from its place in a file, where zeros fill it up.
std::string unpadded(const char* data, std::size_t size);

}  // namespace detail
}  // namespace ncf
