#pragma once
/// One HDF5 file, opened serially. Names are paths inside the file ("/embedding/user/weight"); groups on the
/// way are made as needed. Integers and floats are stored little-endian in the type they have here, and read
/// only from that type: nothing is converted silently. Strings are UTF-8, of the length of the longest,
/// padded with zeros.
///
/// Errors: Error of the kind given when the file was opened, with the file, the name inside it and HDF5's own
/// text. HDF5 keeps one state a process: calls from several threads wait for one another.

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ncf/util/error.hpp"
#include "ncf/util/matrix.hpp"

namespace ncf {

template <class T>
concept Hdf5Number = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, int64_t> ||
    std::same_as<T, uint64_t> || std::same_as<T, int32_t> || std::same_as<T, uint8_t>;

using Shape = std::vector<int64_t>;
std::string to_string(const Shape& shape);  // "[943 × 74]"

/// Rows of a virtual dataset that lie in another file: all `rows` rows of its dataset `name` are rows first,
/// first + stride, first + 2 · stride, … of the virtual one. `file` is taken relative to the virtual one's
/// directory.
struct VirtualPart {
  std::string file;
  std::string name;
  int64_t first = 0;
  int64_t stride = 1;
  int64_t rows = 0;
};

class Hdf5File {
 public:
  struct Impl;  // src/io/hdf5_handle.hpp
  /// A new file; one that is there is overwritten.
  static Hdf5File create(const std::string& path, ErrorKind kind);
  /// An existing file, to write into datasets that it has.
  static Hdf5File update(const std::string& path, ErrorKind kind);
  static Hdf5File open(const std::string& path, ErrorKind kind);
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;
  /// A file being written that was not closed is given up: what it holds is undefined.
  ~Hdf5File();

  /// Writes out what is left, syncs the file to disk and reports what went wrong. No other call may follow.
  void close();

  const std::string& path() const { return path_; }
  bool has(const std::string& name) const;
  Shape shape(const std::string& name) const;
  bool is_group(const std::string& name) const;
  bool holds_strings(const std::string& name) const;
  /// Names of what is directly in a group, sorted by bytes.
  std::vector<std::string> names_in(const std::string& group) const;

  /// Makes a dataset without values yet; its place in the file is reserved.
  template <Hdf5Number T>
  void make(const std::string& name, const Shape& shape);
  /// Makes a dataset of this shape and fills it.
  template <Hdf5Number T>
  void write(const std::string& name, std::span<const T> values, const Shape& shape);
  template <Hdf5Number T>
  void write(const std::string& name, const std::vector<T>& values) {
    write(name, std::span<const T>(values), {static_cast<int64_t>(values.size())});
  }
  /// Makes a dataset [rows.rows × rows.cols], or [rows.rows] for `one_dimension` (cols is 1 then), from a
  /// matrix whose rows may lie apart in memory.
  template <Hdf5Number T>
  void write_matrix(const std::string& name, BasicMatrixView<const T> rows, bool one_dimension = false);
  /// Fills rows first, first + 1, … of a one-dimensional dataset.
  template <Hdf5Number T>
  void write_part(const std::string& name, int64_t first, std::span<const T> values);
  void write_strings(const std::string& name, const std::vector<std::string>& values);
  /// Makes a dataset joined from parts in other files. Where a part is missing it reads as `missing`.
  template <Hdf5Number T>
  void write_virtual(const std::string& name, const Shape& shape, const std::vector<VirtualPart>& parts,
                     T missing);

  /// A whole one-dimensional dataset.
  template <Hdf5Number T>
  std::vector<T> read(const std::string& name) const;
  std::vector<std::string> read_strings(const std::string& name) const;
  /// A whole dataset of any number of dimensions; `shape` is what it must have.
  template <Hdf5Number T>
  void read(const std::string& name, const Shape& shape, std::span<T> out) const;
  /// Rows first, first + stride, first + 2 · stride, … as many as `out` has, which may lie apart in memory.
  /// The dataset is [any × out.cols], or one-dimensional when out.cols is 1.
  template <Hdf5Number T>
  void read_rows(const std::string& name, int64_t first, int64_t stride, BasicMatrixView<T> out) const;
  /// The part [first, first + count) of a one-dimensional dataset.
  template <Hdf5Number T>
  std::vector<T> read_part(const std::string& name, int64_t first, int64_t count) const;

  /// Attributes of the root group.
  template <Hdf5Number T>
  void set_attribute(const std::string& name, T value);
  void set_attribute(const std::string& name, const std::string& text);
  bool has_attribute(const std::string& name) const;
  template <Hdf5Number T>
  T attribute(const std::string& name) const;
  std::string text_attribute(const std::string& name) const;

 private:
  Hdf5File(std::unique_ptr<Impl> impl, std::string path);
  std::unique_ptr<Impl> impl_;
  std::string path_;
};

/// "1.10.8", of the library in use.
std::string hdf5_version();

}  // namespace ncf
